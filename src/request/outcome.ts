import type { Failure } from "./failure.ts";
import type { AssistantPart } from "./parts.ts";
import type { FinishReason, Transcript } from "./result.ts";
import type { Usage } from "./usage.ts";

/** What an answer holds; see result.ts. */
export interface Answer {
  readonly text: string;
  readonly parts?: readonly AssistantPart[];
  readonly embeddings?: readonly (readonly number[])[];
  readonly transcript?: Transcript;
  readonly audio?: { readonly data: Uint8Array; readonly mediaType: string };
}

/** What one provider call did. A value, never an exception: every one of these is expected. */
export type CallOutcome =
  | (Answer & {
      readonly ok: true;
      readonly finish: FinishReason;
      readonly usage: Usage;
      readonly providerRequestId?: string;
      readonly limits?: LimitReport;
    })
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** What the model said, where it said something that is no answer. */
      readonly rejected?: string;
      /** Usage reported before the failure; absent fields are unknown. */
      readonly usage?: Usage;
      readonly providerRequestId?: string;
      readonly limits?: LimitReport;
    };

/** One dimension of a provider's rate-limit headers. */
export interface LimitReading {
  readonly limit?: number;
  readonly remaining?: number;
  /** Milliseconds until the provider says the dimension is full again. */
  readonly resetMs?: number;
}

/** What the rate-limit headers of one answer said, by dimension. */
export interface LimitReport {
  readonly requests?: LimitReading;
  readonly tokens?: LimitReading;
  readonly inputTokens?: LimitReading;
  readonly outputTokens?: LimitReading;
}
