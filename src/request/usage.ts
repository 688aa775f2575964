/**
 * Tokens of one call by kind. An absent field is unknown, never zero (invariant 11).
 * `inputTokens` includes `cacheReadTokens` and `cacheWriteTokens`; `outputTokens` includes `reasoningTokens`.
 */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

/** True when the usage can be billed: both sides are known. */
export const isUsageKnown = (usage: Usage): boolean =>
  usage.inputTokens !== undefined && usage.outputTokens !== undefined;
