export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Full jitter over a doubling ceiling, plus the provider's own floor: `Retry-After` says when earlier tries will fail, so
 * jitter is added on top of it and never divides it. `attempt` counts from 1; `random` is in [0, 1).
 */
export const backoffMs = (attempt: number, policy: Backoff, random: number, floorMs = 0): number =>
  floorMs + random * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
