import type { CallInput, Connection } from "../../src/provider/provider.ts";
import type { Body } from "../../src/request/body.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";

export interface WatchedCall {
  readonly outcome: CallOutcome;
  readonly pieces: readonly string[];
  /** Signs of life that were reported. */
  readonly activity: number;
}

export interface CallWish {
  readonly model: string;
  readonly stream?: boolean;
  readonly body?: Partial<Body>;
  readonly signal?: AbortSignal;
  readonly correlation?: string;
  /** Called with every piece of text, as it arrives. */
  readonly onText?: (piece: string) => void;
  readonly onActivity?: () => void;
}

/** One call with everything that was reported on the way. */
export async function call(connection: Connection, wish: CallWish): Promise<WatchedCall> {
  const pieces: string[] = [];
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
  const outcome = await connection.call(input, {
    signal: wish.signal ?? new AbortController().signal,
    onText(piece) {
      pieces.push(piece);
      wish.onText?.(piece);
    },
    onActivity() {
      activity += 1;
      wish.onActivity?.();
    },
  });
  return { outcome, pieces, activity };
}
