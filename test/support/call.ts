import type { CallInput, Connection } from "../../src/provider/provider.ts";
import type { ChatBody } from "../../src/request/body.ts";
import type { Delta } from "../../src/request/delta.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";

export interface WatchedCall {
  readonly outcome: CallOutcome;
  /** The text among what was streamed. */
  readonly pieces: readonly string[];
  readonly deltas: readonly Delta[];
  /** Signs of life that were reported. */
  readonly activity: number;
}

export interface CallWish {
  readonly model: string;
  readonly stream?: boolean;
  readonly body?: Partial<ChatBody>;
  readonly signal?: AbortSignal;
  readonly correlation?: string;
  /** Called with every piece of text, as it arrives. */
  readonly onText?: (piece: string) => void;
  readonly onActivity?: () => void;
}

/** One call with everything that was reported on the way. */
export async function call(connection: Connection, wish: CallWish): Promise<WatchedCall> {
  const pieces: string[] = [];
  const deltas: Delta[] = [];
  let activity = 0;
  const input: CallInput = {
    model: wish.model,
    body: {
      model: wish.model,
      messages: [{ role: "user", content: [{ type: "text", text: "Say something nice about mills." }] }],
      ...wish.body,
    },
    stream: wish.stream ?? false,
    defaultMaxOutputTokens: 512,
    ...(wish.correlation === undefined ? {} : { correlation: wish.correlation }),
  };
  const outcome = await connection.chat?.(input, {
    signal: wish.signal ?? new AbortController().signal,
    onDelta(delta) {
      deltas.push(delta);
      if (delta.type !== "text") return;
      pieces.push(delta.text);
      wish.onText?.(delta.text);
    },
    onActivity() {
      activity += 1;
      wish.onActivity?.();
    },
  });
  if (outcome === undefined) throw new Error("the connection offers no chat");
  return { outcome, pieces, deltas, activity };
}
