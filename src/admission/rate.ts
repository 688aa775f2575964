/** One rate dimension as the script wants it. */
export interface Rate {
  readonly name: string;
  /** Microseconds in which one unit refills. */
  readonly perUnitUs: number;
  /** Units that may be taken at once. */
  readonly burst: number;
}

const minuteUs = 60_000_000;

/**
 * Splits a per-minute limit into burst and refill so that no window of 60 s, wherever it starts, holds more than the
 * limit: a bucket admits at most burst + rate × window (network calculus), hence burst + refill ≤ limit.
 * A tenth goes to the burst; a limit of one a minute still refills, at half its rate.
 */
export function rateFor(name: string, limitPerMinute: number): Rate {
  const burst = Math.max(1, Math.floor(limitPerMinute / 10));
  const refillPerMinute = Math.max(limitPerMinute - burst, limitPerMinute / 2);
  return { name, perUnitUs: minuteUs / refillPerMinute, burst };
}

/**
 * How far a call may fill a pool: a fifth of every burst and of the concurrency is kept for interactive requests, so that
 * bulk work, which takes all there is, leaves them a permit at once.
 */
export const shareFor = (interactive: boolean): number => (interactive ? 1 : 0.8);
