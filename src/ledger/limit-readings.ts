/** What the rate-limit headers of each pool said last and what is followed, for operators (see rate-limits.ts, which writes it). */
import type { Ledger } from "./ledger.ts";

export interface StoredReading {
  readonly pool: string;
  readonly dimension: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetMs: number | null;
  readonly observedAt: Date;
  /** The limit that admission follows; null: none known. */
  readonly followed: number | null;
}

export async function limitReadings(ledger: Ledger): Promise<StoredReading[]> {
  const rows = await ledger.sql<(Omit<StoredReading, Numbers> & Record<Numbers, string | null>)[]>`
    select pool, dimension, limit_value as "limit", remaining, reset_ms as "resetMs", observed_at as "observedAt", followed
    from provider_rate_limits order by pool, dimension`;
  return rows.map((row) => ({
    ...row,
    limit: numberOf(row.limit),
    remaining: numberOf(row.remaining),
    resetMs: numberOf(row.resetMs),
    followed: numberOf(row.followed),
  }));
}

type Numbers = "limit" | "remaining" | "resetMs" | "followed";
/** bigint columns arrive as text. */
const numberOf = (text: string | null): number | null => (text === null ? null : Number(text));
