/**
 * Keeps what rate-limit headers said last, and which limits are followed now, in `provider_rate_limits`: per pool and
 * dimension, at most once a second.
 */
import type { Pool } from "../config/pool.ts";
import type { LimitReport } from "../request/outcome.ts";
import type { Ledger } from "./ledger.ts";

/** Limits that admission follows now, by dimension: a number, or undefined where none is known. */
export type FollowedLimits = Readonly<Record<string, number | undefined>>;

export interface LimitObserver {
  /** Dimensions that `followed` does not name keep what was kept of them; without it all do. */
  observe(pool: Pool, report: LimitReport, followed?: FollowedLimits): void;
  close(): Promise<void>;
}

interface Seen {
  readonly pool: Pool;
  readonly report: LimitReport;
  readonly followed: FollowedLimits;
}

const everyMs = 1_000;

export function openLimitObserver(ledger: Ledger, onError: (error: unknown) => void): LimitObserver {
  const latest = new Map<string, Seen>();
  let timer: NodeJS.Timeout | undefined;

  const write = async () => {
    timer = undefined;
    const seen = [...latest.values()];
    latest.clear();
    await writeReadings(ledger, seen);
    await writeFollowed(ledger, seen);
  };
  return {
    observe(pool, report, followed) {
      const before = latest.get(pool.id);
      latest.set(pool.id, { pool, report, followed: followed ?? before?.followed ?? {} });
      timer ??= setTimeout(() => void write().catch(onError), everyMs);
    },
    async close() {
      clearTimeout(timer);
      await write().catch(onError);
    },
  };
}

async function writeReadings(ledger: Ledger, seen: readonly Seen[]): Promise<void> {
  const rows = seen.flatMap(({ pool, report }) =>
    Object.entries(report).map(([dimension, reading]) => ({
      pool: pool.id,
      dimension,
      provider: pool.provider,
      limit_value: reading.limit ?? null,
      remaining: reading.remaining ?? null,
      reset_ms: reading.resetMs === undefined ? null : Math.round(reading.resetMs),
    })),
  );
  if (rows.length === 0) return;
  await ledger.sql`
    insert into provider_rate_limits (pool, dimension, provider, limit_value, remaining, reset_ms)
    select * from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r(pool text, dimension text, provider text, limit_value bigint, remaining bigint, reset_ms bigint)
    order by pool, dimension
    on conflict (pool, dimension) do update set limit_value = excluded.limit_value, remaining = excluded.remaining,
      reset_ms = excluded.reset_ms, observed_at = now()`;
}

/** Written only where it is another: it seldom is. `observed_at` stays that of the headers. */
async function writeFollowed(ledger: Ledger, seen: readonly Seen[]): Promise<void> {
  const rows = seen.flatMap(({ pool, followed }) =>
    Object.entries(followed).map(([dimension, limit]) => ({
      pool: pool.id,
      dimension,
      provider: pool.provider,
      followed: limit === undefined ? null : Math.round(limit),
    })),
  );
  if (rows.length === 0) return;
  await ledger.sql`
    insert into provider_rate_limits (pool, dimension, provider, followed)
    select * from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r(pool text, dimension text, provider text, followed bigint)
    order by pool, dimension
    on conflict (pool, dimension) do update set followed = excluded.followed
      where provider_rate_limits.followed is distinct from excluded.followed`;
}
