/** Puts an answer together from its chunks, and says what came of the call. */
import type { Delta } from "../../../request/delta.ts";
import type { Failure } from "../../../request/failure.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { answered, type SideReport } from "../../call-outcome.ts";
import type { ErrorAnswer } from "../../error-answer.ts";
import type { Failing } from "../../failing.ts";
import { chunkSchema } from "./chunk.ts";
import { blockedPrompt, finishOf, unfinished } from "./finish.ts";
import { speaking } from "./spoken.ts";
import { inputTokens, tokens, type WireUsage } from "./usage.ts";

export interface Gathering {
  /** True once the model has said why it stopped: whatever comes now changes nothing but the counts. */
  readonly isFinished: boolean;
  /** The next chunk. A failure ends the call. */
  take(chunk: unknown): CallOutcome | undefined;
  /** What is known of a call that broke off. */
  broken(): SideReport;
  /** There are no more chunks. */
  ended(): CallOutcome;
}

export interface GatheringOptions {
  /** Who thinks: kept with each thought. */
  readonly thinker: string;
  readonly fail: Failing;
  readonly onDelta: (delta: Delta) => void;
  readonly headers?: Headers;
}

export function gathering({ thinker, fail, onDelta, headers = new Headers() }: GatheringOptions): Gathering {
  const spoken = speaking(thinker, onDelta);
  let usage: WireUsage;
  let responseId: string | undefined;
  let blocked: string | undefined;
  let reason: string | undefined;
  let isCounted = false;
  const sideOf = () => ({ ...fail.sideOf(headers), providerRequestId: responseId });
  const broken = () => ({ ...sideOf(), usage: inputTokens(usage) });
  const because = (failure: Failure) => fail.because(failure, side());
  const side = () => (isCounted ? { ...sideOf(), usage: tokens(usage) } : broken());

  return {
    get isFinished() {
      return reason !== undefined;
    },
    broken,
    take(value) {
      const wasFinished = reason !== undefined;
      const chunk = chunkSchema.safeParse(value);
      if (wasFinished && (!chunk.success || chunk.data.error !== undefined)) return undefined;
      if (!chunk.success) return fail.because({ kind: "server", message: "an event cannot be read" }, broken());
      if (chunk.data.error !== undefined) return fail.refused({ body: value, headers, status: undefined }, broken());
      const [candidate] = chunk.data.candidates ?? [];
      if (!isCounted) usage = chunk.data.usageMetadata ?? usage;
      responseId = chunk.data.responseId ?? responseId;
      blocked = chunk.data.promptFeedback?.blockReason ?? blocked;
      reason ??= candidate?.finishReason;
      isCounted ||= reason !== undefined && chunk.data.usageMetadata !== undefined;
      if (wasFinished) return undefined;
      for (const part of candidate?.content?.parts ?? []) {
        const failure = spoken.add(part, responseId);
        if (failure !== undefined) return because(failure);
      }
      return undefined;
    },
    ended() {
      const failure = reason === undefined ? undefined : unfinished(reason);
      if (failure !== undefined) return because(failure);
      if (reason !== undefined) {
        const { usage: counted = {}, ...rest } = side();
        return answered(spoken.answer(), finishOf(reason, spoken.callCount > 0), counted, rest);
      }
      if (blocked !== undefined) return because(blockedPrompt(blocked));
      return fail.because({ kind: "stream", message: "the stream ended without finishReason" }, broken());
    },
  };
}

/** A whole answer: one chunk, whose bytes say that nothing is missing, finish reason or not. */
export function gathered(options: GatheringOptions, body: unknown): CallOutcome {
  const { fail, headers = new Headers() } = options;
  const refused: ErrorAnswer = { status: 200, body, headers };
  const chunk = chunkSchema.safeParse(body);
  if (!chunk.success || chunk.data.error !== undefined) return fail.refused(refused);
  const { candidates = [], promptFeedback, ...rest } = chunk.data;
  const [first] = candidates;
  const gather = gathering(options);
  if (first === undefined) {
    const failure = gather.take({ ...rest, promptFeedback });
    if (failure !== undefined) return failure;
    return promptFeedback?.blockReason ? gather.ended() : fail.refused(refused, gather.broken());
  }
  return gather.take({ ...rest, candidates: [{ ...first, finishReason: first.finishReason ?? "" }] }) ?? gather.ended();
}
