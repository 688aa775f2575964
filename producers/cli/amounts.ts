/** Amounts in the words of a status line. */
import { formatUsd } from "../../src/pricing/money.ts";

export const count = (value: number): string => Math.round(value).toLocaleString("en-US");

/** `812`, `12.3k`, `1.9M`. */
export function short(value: number): string {
  if (value < 1_000) return String(Math.round(value));
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

/** `450 ms`, `35 s`, `46 min`, `3 h 12 min`, `2 d 4 h`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A sum with what is missing from it: an unknown cost is said, never shown as nothing. */
export const spend = (nanoUsd: bigint, unpricedCalls: number): string =>
  withMissing(
    nanoUsd,
    unpricedCalls,
    `${count(unpricedCalls)} ${unpricedCalls === 1 ? "call" : "calls"} of unknown cost`,
  );

/** The same in fewer characters. */
export const spendInShort = (nanoUsd: bigint, unpricedCalls: number): string =>
  withMissing(nanoUsd, unpricedCalls, `${short(unpricedCalls)} unpriced`);

function withMissing(nanoUsd: bigint, unpricedCalls: number, missing: string): string {
  if (unpricedCalls === 0) return formatUsd(rounded(nanoUsd));
  return nanoUsd === 0n ? `cost unknown (${missing})` : `${formatUsd(rounded(nanoUsd))} + ${missing}`;
}

/** From a cent on, a hundredth of a cent is enough to look at. */
const rounded = (nanoUsd: bigint): bigint => (nanoUsd < 10_000_000n ? nanoUsd : nanoUsd - (nanoUsd % 100_000n));
