/** Keeps what rate-limit headers said last in `provider_rate_limits`: per pool and dimension, at most once a second. */
import type { Pool } from "../config/pool.ts";
import type { LimitReport } from "../request/outcome.ts";
import type { Ledger } from "./ledger.ts";

export interface LimitObserver {
  observe(pool: Pool, report: LimitReport): void;
  close(): Promise<void>;
}

const everyMs = 1_000;

export function openLimitObserver(ledger: Ledger, onError: (error: unknown) => void): LimitObserver {
  const latest = new Map<string, { pool: Pool; report: LimitReport }>();
  let timer: NodeJS.Timeout | undefined;

  const write = async () => {
    timer = undefined;
    const rows = [...latest.values()].flatMap(({ pool, report }) =>
      Object.entries(report).map(([dimension, reading]) => ({
        pool: pool.id,
        dimension,
        provider: pool.provider,
        limit_value: reading.limit ?? null,
        remaining: reading.remaining ?? null,
        reset_ms: reading.resetMs === undefined ? null : Math.round(reading.resetMs),
      })),
    );
    latest.clear();
    if (rows.length === 0) return;
    await ledger.sql`
      insert into provider_rate_limits (pool, dimension, provider, limit_value, remaining, reset_ms)
      select * from json_to_recordset(${JSON.stringify(rows)}::text::json)
        as r(pool text, dimension text, provider text, limit_value bigint, remaining bigint, reset_ms bigint)
      order by pool, dimension
      on conflict (pool, dimension) do update set limit_value = excluded.limit_value, remaining = excluded.remaining,
        reset_ms = excluded.reset_ms, observed_at = now()`;
  };
  return {
    observe(pool, report) {
      latest.set(pool.id, { pool, report });
      timer ??= setTimeout(() => void write().catch(onError), everyMs);
    },
    async close() {
      clearTimeout(timer);
      await write().catch(onError);
    },
  };
}
