/**
 * What differs among those that speak OpenAI's chat completions, as data. A dialect renames fields and leaves some out;
 * code of its own it has none.
 */
import type { Medium } from "../../../config/provider-entry.ts";

export interface Dialect {
  /** The provider's id: the key of its `providerOptions`, and whose reasoning goes back to it. */
  readonly provider: string;
  /** What a failure's message calls it. */
  readonly name: string;
  readonly outputLimit: "max_completion_tokens" | "max_tokens";
  readonly seed: "seed" | "random_seed";
  /** Its word for `required`. */
  readonly toolRequired: "required" | "any";
  /** Where a parallel call can be forbidden. */
  readonly parallelToolCalls: boolean;
  /** Where the caller's user is named. Absent: nowhere. */
  readonly userId?: "safety_identifier" | "user" | undefined;
  /** How it is told how much to think. Absent: it is not. */
  readonly effort?: Effort | undefined;
  /** `instructed`: it promises JSON but takes no schema, so the schema goes into the system prompt. */
  readonly schema: "json_schema" | "instructed";
  /** Whether a stream must be asked for its usage. */
  readonly asksForUsage: boolean;
  /** Where an assistant's earlier reasoning goes. Absent: it is not sent back. */
  readonly reasoningBack?: "reasoning_content" | "reasoning" | undefined;
  /** Whether `completion_tokens` includes reasoning. */
  readonly reasoningTokens: "included" | "additional";
  /** How each medium may come. Absent: it cannot be carried. */
  readonly media: Readonly<Partial<Record<Medium, "data" | "url" | "any">>>;
  readonly fileField: "file" | "document_url";
}

export type Effort =
  /** The word as it is. */
  | "reasoning_effort"
  /** `{ effort, max_tokens }`. */
  | "reasoning"
  /** Yes or no, and a budget. */
  | "enable_thinking"
  /** `{ type: "enabled" | "disabled" }`. */
  | "thinking";

export const openaiDialect: Dialect = {
  provider: "openai",
  name: "OpenAI",
  outputLimit: "max_completion_tokens", // current models refuse `max_tokens`
  seed: "seed",
  toolRequired: "required",
  parallelToolCalls: true,
  userId: "safety_identifier",
  effort: "reasoning_effort",
  schema: "json_schema",
  asksForUsage: true,
  reasoningTokens: "included",
  media: { image: "any", audio: "data", file: "data" },
  fileField: "file",
};

/** What most others have in common. */
export const usualDialect: Dialect = {
  ...openaiDialect,
  outputLimit: "max_tokens",
  userId: "user",
  reasoningBack: "reasoning_content",
  media: { image: "any" },
};
