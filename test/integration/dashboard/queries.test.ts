/** A look reads as many rows of a large ledger as of one twice as large: Postgres says how many it reads. */
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openLedgerFacts } from "../../../producers/http/dashboard/ledger-facts.ts";
import { arrayTypes } from "../../../src/ledger/array-encoding.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const rows = 6_000;
/** So that every query meets its bound before the ledger is doubled. */
const most = { inLane: 400, inBatch: 400, calls: 1_000, events: 200, openBatches: 6, endedBatches: 4, failures: 12 };
const lane = "openai.gpt-5-mini";

test("reads no more of a ledger that is twice as large", async () => {
  const fleet = await openTestFleet(services);
  const { ledger, statements } = await recordingLedger(fleet.databaseUrl);
  // Parameters are kept as they were sent: as text.
  const plain = postgres(fleet.databaseUrl, { max: 1, fetch_types: false });
  onTestFinished(() => plain.end());
  await plain`set enable_seqscan = off`;
  await plain`set enable_bitmapscan = off`;
  const look = () => openLedgerFacts({ config: fleet.config, ledger }, most)();

  await fill(ledger, 0);
  statements.splice(0);
  await look();
  const asked = statements.splice(0).filter(({ text }) => /^\s*(?:select|with)/.test(text));
  const before = await rowsRead(plain, asked);
  await fill(ledger, rows);
  const after = await rowsRead(plain, asked);

  expect(asked.length).toBeGreaterThanOrEqual(12);
  for (const [at, { text }] of asked.entries()) {
    const [one, other] = [before[at] ?? 0, after[at] ?? 0];
    expect(other, text).toBeLessThanOrEqual(one * 1.1 + 50);
  }
});

interface Statement {
  readonly text: string;
  readonly parameters: readonly (string | null)[];
}

/** Keeps every statement that it sends. */
async function recordingLedger(
  databaseUrl: string,
): Promise<{ readonly ledger: Ledger; readonly statements: Statement[] }> {
  const statements: Statement[] = [];
  const sql = postgres(databaseUrl, {
    max: 2,
    fetch_types: false,
    types: arrayTypes,
    debug: (_connection, text, parameters) => void statements.push({ text, parameters }),
  });
  onTestFinished(() => sql.end());
  const { drizzle } = await import("drizzle-orm/postgres-js");
  return { ledger: { sql, hot: sql, db: drizzle(sql), close: () => sql.end() }, statements };
}

const planSchema = z.array(z.looseObject({ Plan: z.unknown() }));
const nodeSchema = z.looseObject({
  "Relation Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  "Rows Removed by Index Recheck": z.number().default(0),
  Plans: z.array(z.unknown()).default([]),
});

/** Rows of tables that each of the statements touches. */
async function rowsRead(plain: postgres.Sql, asked: readonly Statement[]): Promise<number[]> {
  const counts: number[] = [];
  for (const { text, parameters } of asked) {
    const [row] = await plain.unsafe(`explain (analyze, format json) ${text}`, [...parameters]);
    const [plan] = planSchema.parse(row?.["QUERY PLAN"]);
    counts.push(touchedBy(plan?.Plan));
  }
  return counts;
}

function touchedBy(plan: unknown): number {
  const node = nodeSchema.parse(plan);
  const below = node.Plans.reduce<number>((sum, child) => sum + touchedBy(child), 0);
  if (node["Relation Name"] === undefined) return below;
  const each = node["Actual Rows"] + node["Rows Removed by Filter"] + node["Rows Removed by Index Recheck"];
  return below + each * node["Actual Loops"];
}

/** A batch that is under way with requests in every state, calls, changes of circuits, ended batches, and hours long ago. */
async function fill({ sql }: Ledger, from: number): Promise<void> {
  const id = (kind: string) =>
    sql.unsafe(`(lpad(to_hex(${from} + n), 8, '0') || '-0000-7000-8000-${kind}' || lpad(to_hex(n), 11, '0'))::uuid`);
  const batch = "01900000-0000-7000-8000-000000000001";
  await sql`
    insert into batches (id, tenant, state, source, fingerprint, total) values (${batch}, 't', 'running', 'file', 'f', ${rows})
    on conflict (id) do nothing`;
  await sql`
    insert into requests (id, tenant, batch_id, model, deployment, lane, priority, state, est_input_tokens, est_output_tokens,
      lease_token, lease_until, dispatched_at, not_before, finished_at)
    select ${id("a")}, 'tenant-' || n % 3, ${batch}, 'gpt-5-mini', 'openai/gpt-5-mini', ${lane}, 3, s.state, 1, 1,
      case when s.state = 'running' then gen_random_uuid() end, now(), now(), now(),
      case when s.state in ('failed', 'succeeded') then now() end
    from generate_series(1, ${rows}::int) as n, lateral (
      select (array['queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'dispatched', 'running', 'waiting', 'held', 'failed', 'succeeded'])[1 + n % 12] as state) s`;
  await sql`
    insert into batch_lines (batch_id, line_no, custom_id, request_id, shape)
    select ${batch}, ${from}::int + n, 'line ' || (${from}::int + n), ${id("a")}, 'openai' from generate_series(1, ${rows}::int) as n`;
  await sql`
    insert into attempts (id, request_id, tenant, dispatch_no, attempt, provider, model, deployment, outcome, streamed, started_at, duration_ms)
    select ${id("b")}, ${id("a")}, 't', 1, 1, 'openai', 'gpt-5-mini', 'openai/gpt-5-mini', case when n % 9 = 0 then 'failed' else 'succeeded' end,
      false, now(), 5 from generate_series(1, ${rows}::int) as n`;
  await sql`
    insert into circuit_events (id, provider, deployment, from_state, to_state, reason, "by")
    select ${id("c")}, 'openai', 'openai/model-' || n % 500, 'closed', 'open', 'test', 'gate' from generate_series(1, ${rows / 4}::int) as n`;
  await sql`
    insert into batches (id, tenant, state, source, fingerprint, total, finished_at)
    select ${id("d")}, 't', 'completed', 'file', 'f' || n, 1, now() from generate_series(1, ${rows / 4}::int) as n`;
  await sql`
    insert into attempt_stats (hour, provider, model, calls, succeeded, input_tokens, output_tokens, cost_nano_usd, unpriced, duration_ms,
      first_token_ms, first_tokens, duration_buckets)
    select date_trunc('hour', now()) - (n + ${from / 10}::int) * interval '1 hour', 'openai', 'gpt-5-mini', 1, 1, 1, 1, 1, 0, 1, 0, 0, array_fill(0, array[88])
    from generate_series(${from === 0 ? 0 : 1}::int, ${rows / 10}::int) as n`;
  await sql`analyze`;
}
