import type { Within } from "./read-by-index.ts";

/** Of a row of attempts: it may have cost something, and nobody knows what. */
export const isUnpriced = ({ sql }: Within) => sql`
  (cost_nano_usd is null and (outcome <> 'failed' or failure_kind in ('timeout', 'stream', 'network')))`;
