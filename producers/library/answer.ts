/** What a program gets back. */
import type { Ledger } from "../../src/ledger/ledger.ts";
import { attemptsOf } from "../../src/ledger/requests.ts";
import type { AssistantPart } from "../../src/request/parts.ts";
import type { FinishReason, Result, Transcript } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { spendOf } from "./spend.ts";

export interface Answer {
  readonly id: string;
  /** All of it; of a transcription what was said; otherwise empty. */
  readonly text: string;
  /** Reasoning, text and tool calls in order, where there is more than text: the assistant's message of the next turn. */
  readonly parts?: readonly AssistantPart[];
  /** One vector for each text that was sent, in order. */
  readonly embeddings?: readonly (readonly number[])[];
  readonly transcript?: Transcript;
  readonly audio?: AnswerAudio;
  readonly provider: string;
  readonly model: string;
  readonly finish: FinishReason;
  /** Of the call that answered; what is unknown is absent. */
  readonly usage: Usage;
  /** Of all calls made for it; undefined when a price or the usage of one is unknown. */
  readonly costNanoUsd: bigint | undefined;
}

/** The bytes: `Millrace.audio(id)`. */
export interface AnswerAudio {
  readonly mediaType: string;
  readonly bytes: number;
}

export async function answerOf(ledger: Ledger, id: string, result: Result): Promise<Answer> {
  const attempts = await attemptsOf(ledger, id);
  const spend = spendOf(attempts);
  const usage = attempts.findLast(({ outcome }) => outcome === "succeeded")?.usage ?? {};
  return answerFrom(id, result, usage, spend === undefined || spend.unknownCalls > 0 ? undefined : spend.nanoUsd);
}

/** `usage` is that of the call that answered, the cost that of all calls. */
export function answerFrom(id: string, result: Result, usage: Usage, costNanoUsd: bigint | undefined): Answer {
  const { text, parts, embeddings, transcript, audio, provider, model, finish } = result;
  return {
    id,
    text,
    ...(parts === undefined ? {} : { parts }),
    ...(embeddings === undefined ? {} : { embeddings }),
    ...(transcript === undefined ? {} : { transcript }),
    ...(audio === undefined ? {} : { audio }),
    provider,
    model,
    finish,
    usage,
    costNanoUsd,
  };
}
