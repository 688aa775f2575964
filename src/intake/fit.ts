/**
 * Whether a request can ever pass the limits of a deployment: what it takes at once, against what the limit lets through at
 * once. What can never pass is refused where it is handed in, with the numbers.
 */
import { reservation } from "../admission/charge.ts";
import { mostAtOnce } from "../admission/shape.ts";
import type { Dimension, Pool } from "../config/pool.ts";

export interface Misfit {
  readonly pool: string;
  readonly dimension: Dimension;
  readonly asked: number;
  readonly most: number;
}

/** The first limit that is too small for it, or undefined. `tokens` are the estimate that the gate will be asked with. */
export function misfitOf(pool: Pool, tokens: { readonly input: number; readonly output: number }): Misfit | undefined {
  // Output that is charged as produced is expected, not reserved: the gate knows better what is usual.
  const call = { inputTokens: tokens.input, outputTokens: 1, maxOutputTokens: tokens.output };
  for (const limit of pool.limits) {
    const most = mostAtOnce(limit, pool.jitterMs);
    const asked = Math.ceil(reservation(limit.dimension, pool.charge, call));
    if (most !== undefined && asked > most) {
      return { pool: pool.id, dimension: limit.dimension, asked, most: Math.floor(most) };
    }
  }
  return undefined;
}
