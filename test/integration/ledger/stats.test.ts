import fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { attemptLog } from "../../../src/ledger/logs.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { rescueExpiredLeases } from "../../../src/ledger/rescue.ts";
import { modelStats, rollUpAttempts } from "../../../src/ledger/stats.ts";
import { drawn } from "../../support/drawn.ts";
import { accepted, call, ending, openTestLedger, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const count = fc.integer({ min: 0, max: 20_000 });
const anyAttempt = fc.record({
  provider: fc.constantFrom("anthropic", "openai"),
  model: fc.constantFrom("m1", "m2"),
  outcome: fc.constantFrom("succeeded", "succeeded", "failed", "cancelled", "superseded"),
  failure_kind: fc.constantFrom(null, "timeout", "server"),
  input_tokens: fc.option(count),
  output_tokens: fc.option(count),
  cost_nano_usd: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
  duration_ms: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 600_000 })),
  first_token_ms: fc.option(count),
  hoursAgo: fc.integer({ min: 0, max: 5 }),
});
type Attempt = typeof anyAttempt extends fc.Arbitrary<infer Value> ? Value : never;

async function insert(sql: Pick<Ledger["sql"], "unsafe">, rows: readonly Attempt[]): Promise<void> {
  const json = JSON.stringify(rows.map((row) => ({ ...row, id: uuidv7(), request_id: uuidv7() })));
  await sql.unsafe(
    `insert into attempts (id, request_id, tenant, dispatch_no, attempt, provider, model, deployment, outcome, failure_kind,
       input_tokens, output_tokens, cost_nano_usd, duration_ms, first_token_ms, streamed, started_at, created_at)
     select id, request_id, 't', 1, 1, provider, model, 'd', outcome, failure_kind, input_tokens, output_tokens, cost_nano_usd,
       duration_ms, first_token_ms, false, now(), now() - "hoursAgo" * interval '1 hour'
     from json_to_recordset($1::text::json) as a(id uuid, request_id uuid, provider text, model text, outcome text,
       failure_kind text, input_tokens int, output_tokens int, cost_nano_usd bigint, duration_ms int, first_token_ms int,
       "hoursAgo" int)`,
    [json],
  );
}

/** Folds everything in, at most `limit` at a time. */
async function rollUp(ledger: Ledger, limit?: number): Promise<number> {
  let sum = 0;
  for (;;) {
    const folded = await rollUpAttempts(ledger, limit);
    sum += folded;
    if (folded === 0) return sum;
  }
}

/** The same figures straight from the attempts. */
async function plainStats(ledger: Ledger, hours: number) {
  return ledger.sql<
    {
      provider: string;
      model: string;
      calls: number;
      succeeded: number;
      input: string;
      output: string;
      cost: string;
      unpriced: number;
      mean: number;
      first: number | null;
      durations: number[];
    }[]
  >`
    select provider, model, count(*)::int as calls, count(*) filter (where outcome = 'succeeded')::int as succeeded,
      coalesce(sum(input_tokens), 0)::text as input, coalesce(sum(output_tokens), 0)::text as output,
      coalesce(sum(cost_nano_usd), 0)::text as cost,
      count(*) filter (where cost_nano_usd is null and (outcome <> 'failed' or failure_kind in ('timeout', 'stream', 'network')))::int as unpriced,
      avg(duration_ms)::float8 as mean, avg(first_token_ms)::float8 as first, array_agg(duration_ms order by duration_ms) as durations
    from attempts where outcome <> 'lost' and created_at >= date_trunc('hour', now() - ${hours} * interval '1 hour')
    group by provider, model order by provider, model`;
}

async function expectEqualToPlain(ledger: Ledger, hours: number): Promise<void> {
  const { models } = await modelStats(ledger, hours);
  const plain = await plainStats(ledger, hours);
  const sorted = [...models].sort((one, other) =>
    `${one.provider} ${one.model}`.localeCompare(`${other.provider} ${other.model}`),
  );
  expect(sorted.map(({ provider, model }) => [provider, model])).toEqual(
    plain.map(({ provider, model }) => [provider, model]),
  );
  for (const [at, row] of plain.entries()) {
    const stats = sorted[at];
    expect(stats).toMatchObject({
      calls: row.calls,
      succeeded: row.succeeded,
      inputTokens: Number(row.input),
      outputTokens: Number(row.output),
      costNanoUsd: BigInt(row.cost),
      unpriced: row.unpriced,
    });
    expect(stats?.meanMs).toBeCloseTo(row.mean, 6);
    if (row.first === null) expect(stats?.firstTokenMs).toBeUndefined();
    else expect(stats?.firstTokenMs).toBeCloseTo(row.first, 6);
    // Quarter-octave buckets: an eighth of an octave either side, 2^(1/8) = 1.09; a call of 0 ms counts as 1 ms.
    for (const [share, ms] of [[0.5, stats?.p50Ms] as const, [0.99, stats?.p99Ms] as const]) {
      const exact = Math.max(1, row.durations[Math.max(0, Math.ceil(row.durations.length * share) - 1)] ?? 0);
      expect((ms ?? 0) / exact).toBeGreaterThan(2 ** (-1 / 8) - 1e-9);
      expect((ms ?? 0) / exact).toBeLessThan(2 ** (1 / 8) + 1e-9);
    }
  }
}

describe("the roll-up", () => {
  test("says what the attempts themselves say, in whatever portions they are folded in", async () => {
    const ledger = await openTestLedger(services);
    const portions = drawn(fc.array(anyAttempt, { minLength: 1, maxLength: 60 }), 8);
    let written = 0;
    for (const [at, rows] of portions.entries()) {
      await insert(ledger.sql, rows);
      written += rows.length;
      if (at % 3 === 2) await rollUp(ledger, 1 + (at % 5) * 7);
    }
    await rollUp(ledger);
    const [row] = await ledger.sql<{ n: number }[]>`select sum(calls)::int as n from attempt_stats`;
    expect(row?.n).toBe(written);
    for (const hours of [0, 1, 24]) await expectEqualToPlain(ledger, hours);
  });

  test("counts an attempt once although its transaction was open while others were folded in", async () => {
    const ledger = await openTestLedger(services);
    const sample = drawn(anyAttempt, 40);
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let inserted = () => {};
    const open = new Promise<void>((resolve) => {
      inserted = resolve;
    });
    const late = ledger.sql.begin(async (sql) => {
      await insert(sql, sample.slice(0, 10));
      inserted();
      await held;
    });
    await open;
    await insert(ledger.sql, sample.slice(10, 30));
    await rollUp(ledger);
    commit();
    await late;
    await insert(ledger.sql, sample.slice(30));
    await rollUp(ledger);
    await expectEqualToPlain(ledger, 24);
  });

  test("counts an attempt once while many write and several fold at the same time", async () => {
    const ledger = await openTestLedger(services);
    const rows = drawn(anyAttempt, 6 * 15 * 5);
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let n = 0; n < 15; n += 1)
        await insert(ledger.sql, rows.slice((writer * 15 + n) * 5, (writer * 15 + n + 1) * 5));
    });
    let writing = true;
    const folders = Array.from({ length: 2 }, async () => {
      while (writing) await rollUpAttempts(ledger, 17);
    });
    await Promise.all(writers);
    writing = false;
    await Promise.all(folders);
    await rollUp(ledger);
    const [row] = await ledger.sql<{ n: number }[]>`select sum(calls)::int as n from attempt_stats`;
    expect(row?.n).toBe(6 * 15 * 5);
    await expectEqualToPlain(ledger, 24);
  });

  test("leaves out a call noted as lost until its worker turns up, and counts it then", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    const zombie = await running(ledger, id, 0);
    await rescueExpiredLeases(ledger);
    await rollUp(ledger);
    expect((await modelStats(ledger, 1)).models).toEqual([]);
    await recordRequests(ledger)(ending(zombie, { event: "handBack", attempt: call() }));
    await rollUp(ledger);
    await rollUp(ledger);
    expect((await modelStats(ledger, 1)).models).toMatchObject([{ calls: 1, succeeded: 0, costNanoUsd: 27_000n }]);
  });

  test("of nothing says nothing", async () => {
    const ledger = await openTestLedger(services);
    expect(await rollUpAttempts(ledger)).toBe(0);
    const { since, models } = await modelStats(ledger, 0);
    expect(models).toEqual([]);
    expect(since.getTime() % 3_600_000).toBe(0);
  });
});

test("the views for analysis agree with the attempts", async () => {
  const ledger = await openTestLedger(services);
  await insert(ledger.sql, drawn(anyAttempt, 100));
  await rollUp(ledger);
  const [plain] = await ledger.sql`
    select count(*)::int as calls, sum(cost_nano_usd)::text as cost, sum(input_tokens)::text as input from attempts`;
  for (const view of ["provider_hourly", "model_daily"]) {
    const [row] = await ledger.sql.unsafe(
      `select sum(calls)::int as calls, sum(cost_nano_usd)::text as cost, sum(input_tokens)::text as input from ${view}`,
    );
    expect(row).toEqual(plain);
  }
  const [tenants] =
    await ledger.sql`select sum(calls)::int as calls, sum(cost_nano_usd)::text as cost from tenant_daily_cost`;
  expect(tenants).toEqual({ calls: plain?.["calls"], cost: plain?.["cost"] });
});

test("the log shows the newest calls first, by provider and by failure, page by page", async () => {
  const ledger = await openTestLedger(services);
  for (let n = 0; n < 12; n += 1) {
    const base = {
      provider: n % 2 === 0 ? "anthropic" : "openai",
      model: "m1",
      outcome: n % 3 === 0 ? "failed" : "succeeded",
    };
    const rest = { failure_kind: null, input_tokens: n, output_tokens: 1, cost_nano_usd: 1, first_token_ms: null };
    await insert(ledger.sql, [{ ...base, ...rest, duration_ms: n, hoursAgo: 0 } as Attempt]);
  }
  const tokens = async (query: Parameters<typeof attemptLog>[1]) =>
    (await attemptLog(ledger, query)).map((line) => line.inputTokens);
  expect(await tokens({ limit: 3 })).toEqual([11, 10, 9]);
  expect(await tokens({ limit: 9, provider: "openai" })).toEqual([11, 9, 7, 5, 3, 1]);
  expect(await tokens({ limit: 9, failedOnly: true })).toEqual([9, 6, 3, 0]);
  const [, , third] = await attemptLog(ledger, { limit: 3 });
  expect(await tokens({ limit: 2, before: third?.id ?? "" })).toEqual([8, 7]);
});
