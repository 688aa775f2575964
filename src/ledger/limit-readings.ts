/** What the rate-limit headers of each pool said last, for operators (see rate-limits.ts, which writes them). */
import type { Ledger } from "./ledger.ts";

export interface StoredReading {
  readonly pool: string;
  readonly dimension: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetMs: number | null;
  readonly observedAt: Date;
}

export async function limitReadings(ledger: Ledger): Promise<StoredReading[]> {
  const rows = await ledger.sql<
    (Omit<StoredReading, "limit" | "remaining" | "resetMs"> & Record<Numbers, string | null>)[]
  >`
    select pool, dimension, limit_value as "limit", remaining, reset_ms as "resetMs", observed_at as "observedAt"
    from provider_rate_limits order by pool, dimension`;
  return rows.map((row) => ({
    ...row,
    limit: numberOf(row.limit),
    remaining: numberOf(row.remaining),
    resetMs: numberOf(row.resetMs),
  }));
}

type Numbers = "limit" | "remaining" | "resetMs";
/** bigint columns arrive as text. */
const numberOf = (text: string | null): number | null => (text === null ? null : Number(text));
