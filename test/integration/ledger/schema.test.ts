import { describe, expect, test } from "vitest";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { migrate } from "../../../src/ledger/migrate.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { missingMigrations } from "../../../src/ledger/schema-version.ts";
import { accepted, call, ending, openTestLedger, requestIn, result, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const columnsOf = async (ledger: Awaited<ReturnType<typeof openTestLedger>>, table: string) =>
  (
    await ledger.sql<{ name: string }[]>`
      select column_name as name from information_schema.columns
      where table_schema = 'public' and table_name = ${table} order by ordinal_position`
  ).map((row) => row.name);

test("ten processes that migrate an empty database at once all find it migrated, once", async () => {
  const url = await services.bareDatabase();
  const ledger = openLedger(url);
  expect(await missingMigrations(ledger)).not.toEqual([]);
  await Promise.all(Array.from({ length: 10 }, () => migrate(url)));
  expect(await missingMigrations(ledger)).toEqual([]);
  const [row] = await ledger.sql<{ applied: number; different: number }[]>`
    select count(*)::int as applied, count(distinct hash)::int as different from drizzle.__drizzle_migrations`;
  expect(row?.applied).toBeGreaterThan(0);
  expect(row?.applied).toBe(row?.different);
  await ledger.close();
});

test("migrating again changes nothing, neither tables nor rows", async () => {
  const url = await services.emptyDatabase();
  const ledger = openLedger(url);
  await accepted(ledger, 3);
  const before = await ledger.sql`select * from drizzle.__drizzle_migrations order by id`;
  await migrate(url);
  await migrate(url);
  expect(await ledger.sql`select * from drizzle.__drizzle_migrations order by id`).toEqual(before);
  expect(await ledger.sql`select id from requests`).toHaveLength(3);
  await ledger.close();
});

test("the views have the columns that operators know", async () => {
  const ledger = await openTestLedger(services);
  expect(await columnsOf(ledger, "provider_logs")).toEqual([
    ...["id", "request_id", "conversation_id", "user_id", "provider", "model", "state"],
    ...["request_data", "response_data", "error_data", "duration", "created_at", "updated_at"],
  ]);
  expect(await columnsOf(ledger, "provider_metrics")).toEqual([
    ...[
      "id",
      "provider",
      "model",
      "input_tokens",
      "output_tokens",
      "total_tokens",
      "duration",
      "success",
      "created_at",
    ],
  ]);
  for (const view of ["provider_hourly", "model_daily", "tenant_daily_cost"]) {
    expect(await columnsOf(ledger, view)).toEqual(expect.arrayContaining(["calls", "cost_nano_usd", "unpriced"]));
  }
});

test("the views show what is open as pending and every call as completed or failed, with its data and its bill", async () => {
  const ledger = await openTestLedger(services);
  const record = recordRequests(ledger);
  const open = await requestIn(ledger, "queued");
  const [good = "", bad = ""] = await accepted(ledger, 2);
  await record(ending(await running(ledger, good), { result, attempt: call() }));
  const failure = { kind: "server", message: "overloaded" };
  const failedCall = call({
    outcome: "failed",
    failureKind: "server",
    failureMessage: "overloaded",
    httpStatus: 500,
    usage: {},
  });
  await record(ending(await running(ledger, bad), { event: "fail", failure, attempt: failedCall }));
  const logs = await ledger.sql`
    select request_id, state, request_data -> 'model' as asked, response_data -> 'text' as answer, error_data, duration
    from provider_logs order by state`;
  expect(logs).toEqual([
    expect.objectContaining({ request_id: good, state: "completed", answer: "4", error_data: null, duration: 120 }),
    expect.objectContaining({
      request_id: bad,
      state: "failed",
      answer: null,
      error_data: { kind: "server", message: "overloaded", status: 500 },
    }),
    expect.objectContaining({ request_id: open, state: "pending", asked: "claude-haiku-4-5", duration: null }),
  ]);
  const metrics = await ledger.sql`
    select success, input_tokens, output_tokens, total_tokens, duration from provider_metrics order by success`;
  expect(metrics).toEqual([
    { success: false, input_tokens: null, output_tokens: null, total_tokens: null, duration: 120 },
    { success: true, input_tokens: 12, output_tokens: 3, total_tokens: 15, duration: 120 },
  ]);
});

test("there are the tables and at least sixteen indexes", async () => {
  const ledger = await openTestLedger(services);
  const tables = (
    await ledger.sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`
  ).map((row) => row.name);
  expect(tables).toEqual(
    expect.arrayContaining([
      ...["requests", "payloads", "attempts", "files", "batches", "batch_lines"],
      ...["provider_rate_limits", "provider_estimates", "provider_configs", "circuit_events"],
    ]),
  );
  const indexes = await ledger.sql`select indexname from pg_indexes where schemaname = 'public'`;
  expect(indexes.length).toBeGreaterThanOrEqual(16);
});

describe("the table of requests", () => {
  test.each([
    ["a state that is none", "state = 'done'"],
    ["priority 0, which BullMQ would serve before all others", "priority = 0"],
    ["a running row without a lease", "state = 'running'"],
    ["a lease on a row that does not run", "lease_token = gen_random_uuid()"],
  ])("refuses %s", async (_what, change) => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    await expect(ledger.sql.unsafe(`update requests set ${change} where id = '${id}'`)).rejects.toMatchObject({
      code: "23514",
    });
  });
});
