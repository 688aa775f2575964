/** What retention and capture leave of a ledger, compared with a rule that is written down here once more, in memory. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { captureOf, captureSchema, retentionSchema } from "../../../src/config/retention.ts";
import { requestWithKey } from "../../../src/ledger/accept.ts";
import { openBatch, retryFailed, sealBatch } from "../../../src/ledger/batches.ts";
import { bodyOf, keptBody } from "../../../src/ledger/bodies.ts";
import { appendCircuitEvent } from "../../../src/ledger/circuit-events.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { nothingRemoved, type Removed } from "../../../src/ledger/prune.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { type Keeping, openPruning } from "../../../src/ledger/retention.ts";
import { modelStats, rollUpAttempts } from "../../../src/ledger/stats.ts";
import { promptBody, textsIn } from "../../../src/request/body.ts";
import { isTerminal, type RequestState, requestStates } from "../../../src/request/lifecycle.ts";
import { drawn } from "../../support/drawn.ts";
import { accepted, call, ending, openTestLedger, requestIn, result, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const keeping = (wish: { retention?: object; capture?: object } = {}): Keeping => ({
  retention: retentionSchema.parse(wish.retention ?? {}),
  capture: captureSchema.parse(wish.capture ?? {}),
});

async function pruned(ledger: Ledger, wish: Keeping, dryRun = false): Promise<Removed> {
  const pruning = openPruning(ledger, wish, { dryRun });
  const total = { ...nothingRemoved };
  for (let step = await pruning.step(); step !== undefined; step = await pruning.step()) {
    for (const key of Object.keys(total) as (keyof Removed)[]) total[key] += step[key];
  }
  return total;
}

/** As if these had ended so many days ago. */
const endedAgo = (ledger: Ledger, ids: readonly string[], days: number) =>
  ledger.sql`update requests set finished_at = now() - ${days} * interval '1 day' where id = any(${ids as string[]}::uuid[]) and finished_at is not null`;

async function succeeded(ledger: Ledger, count: number, more: Parameters<typeof accepted>[2] = {}): Promise<string[]> {
  const ids = await accepted(ledger, count, more);
  const record = recordRequests(ledger);
  for (const id of ids) await record(ending(await running(ledger, id), { result, attempt: call() }));
  return ids;
}

const countsOf = async (ledger: Ledger): Promise<Readonly<Record<string, number>>> => {
  const [row] = await ledger.sql<Record<string, number>[]>`
    select (select count(*) from requests)::int as requests, (select count(*) from attempts)::int as calls,
      (select count(*) from payloads where kind = 'body')::int as prompts,
      (select count(*) from payloads where kind = 'result')::int as answers,
      (select count(*) from batch_lines)::int as lines, (select count(*) from batches)::int as batches`;
  return row ?? {};
};

const batchOf = (ledger: Ledger) =>
  openBatch(ledger, { tenant: "t", source: "s", fingerprint: "f", options: {}, total: 1 });

describe("pruning", () => {
  test("leaves what the rule says, in any mixture of states, ages, tenants and batches; a dry run foretells it", async () => {
    const ledger = await openTestLedger(services);
    const wish = keeping({
      retention: { payloadsDays: 5, resultsDays: 10, logsDays: 20 },
      capture: { tenants: { off: "off", red: "redacted" } },
    });
    const seeds = drawn(
      fc.record({
        state: fc.constantFrom<RequestState>(...requestStates),
        tenant: fc.constantFrom("t", "off", "red"),
        days: fc.constantFrom(0, 2, 7, 15, 30),
        batch: fc.constantFrom("none", "running", "ended 30", "ended 7"),
      }),
      120,
    );
    const born: { id: string; batchId: string | undefined; seed: (typeof seeds)[number] }[] = [];
    for (const seed of seeds) {
      const batch = seed.batch === "none" ? undefined : await batchOf(ledger);
      if (batch !== undefined) await sealBatch(ledger, batch.id);
      const id = await requestIn(ledger, seed.state, {
        tenant: seed.tenant,
        body: promptBody("claude-haiku-4-5", "I am a@example.com"),
        ...(batch === undefined ? {} : { batchId: batch.id, line: { no: 1, customId: "c", shape: "plain" as const } }),
      });
      await endedAgo(ledger, [id], seed.days);
      const ended = /\d+/.exec(seed.batch)?.[0];
      if (batch !== undefined && ended !== undefined && isTerminal(seed.state))
        await ledger.sql`update batches set state = 'completed', finished_at = now() - ${Number(ended)} * interval '1 day' where id = ${batch.id}`;
      born.push({ id, batchId: batch?.id, seed });
    }
    while ((await rollUpAttempts(ledger)) > 0);

    const foretold = await pruned(ledger, wish, true);
    expect(await countsOf(ledger)).toMatchObject({ requests: 120, prompts: 120 });
    const removed = await pruned(ledger, wish);

    for (const { id, batchId, seed } of born) {
      const { state, days, tenant } = seed;
      const ended = isTerminal(state);
      // A line's time counts from the end of its batch.
      const age = !ended ? 0 : seed.batch === "none" ? days : Number(/\d+/.exec(seed.batch)?.[0] ?? 0);
      const gone = age > 20;
      const off = captureOf(wish.capture, tenant) === "off" && age > 1;
      const promptGone = off || age > 5;
      const answerGone = off || age > 10;
      const view = await requestById(ledger, id);
      const story = `${JSON.stringify(seed)} ${id}`;
      expect(view === undefined, story).toBe(gone);
      expect((await bodyOf(ledger, id)) === undefined, story).toBe(promptGone);
      if (state === "succeeded" && view !== undefined) {
        expect(view.result === undefined, story).toBe(answerGone);
        expect(view.kept.answer, story).toBe(answerGone ? "removed" : tenant === "red" && age > 1 ? "masked" : "whole");
      }
      const masked = tenant === "red" && age > 1;
      if (!promptGone) {
        const text = textsIn((await bodyOf(ledger, id)) ?? promptBody("", ""))[0];
        expect(text, story).toBe(masked ? "I am [mail]" : "I am a@example.com");
      }
      if (batchId !== undefined) {
        const lines = await ledger.sql`select 1 from batch_lines where batch_id = ${batchId}`;
        expect(lines.length === 0, story).toBe(gone);
        const batches = await ledger.sql`select 1 from batches where id = ${batchId}`;
        expect(batches.length === 0, story).toBe(gone);
      }
    }
    const { batches: _foretold, ...foretoldRest } = foretold;
    expect(removed).toMatchObject(foretoldRest);
    expect(await pruned(ledger, wish)).toEqual(nothingRemoved);
  });

  test("removes old changes of circuits, but never the last one of a circuit", async () => {
    const ledger = await openTestLedger(services);
    const change = (deployment: string | undefined, toState: string, days: number) => ({ deployment, toState, days });
    const changes = [
      change("p/a", "open", 9),
      change("p/a", "half-open", 8),
      change("p/a", "closed", 7),
      change("p/b", "open", 9),
      change("p/b", "closed", 1),
      change(undefined, "credential-off", 9),
      change(undefined, "closed", 8),
    ];
    for (const { deployment, toState, days } of changes) {
      await appendCircuitEvent(ledger, { provider: "p", deployment, fromState: "", toState, reason: "", by: "gate" });
      await ledger.sql`
        update circuit_events set at = now() - ${days} * interval '1 day'
        where id = (select id from circuit_events order by id desc limit 1)`;
    }
    const wish = keeping({ retention: { logsDays: 5 } });
    expect(await pruned(ledger, wish, true)).toEqual({ ...nothingRemoved, events: 4 });
    expect(await pruned(ledger, wish)).toEqual({ ...nothingRemoved, events: 4 });
    const kept = await ledger.sql`select deployment, to_state from circuit_events order by id`;
    expect([...kept]).toEqual([
      { deployment: "p/a", to_state: "closed" },
      { deployment: "p/b", to_state: "closed" },
      { deployment: null, to_state: "closed" },
    ]);
  });

  test("removes webhooks that were delivered or given up long ago, and never what is still to be sent", async () => {
    const ledger = await openTestLedger(services);
    const insert = (state: string, days: number) => ledger.sql`
      insert into webhook_deliveries (event_id, endpoint_id, type, subject_id, state, occurred_at, finished_at)
      values (gen_random_uuid(), gen_random_uuid(), 'batch.completed', gen_random_uuid(), ${state},
        now() - ${days} * interval '1 day', case when ${state}::text <> 'pending' then now() - ${days} * interval '1 day' end)`;
    for (const state of ["delivered", "dead", "pending"]) for (const days of [9, 1]) await insert(state, days);
    const wish = keeping({ retention: { logsDays: 5 } });
    expect(await pruned(ledger, wish, true)).toEqual({ ...nothingRemoved, deliveries: 2 });
    expect(await pruned(ledger, wish)).toEqual({ ...nothingRemoved, deliveries: 2 });
    const kept = await ledger.sql<{ state: string }[]>`select state from webhook_deliveries order by state`;
    expect(kept.map(({ state }) => state)).toEqual(["dead", "delivered", "pending", "pending"]);
  });

  test("removes many old changes of circuits in steps of a thousand", async () => {
    const ledger = await openTestLedger(services);
    await ledger.sql`
      insert into circuit_events (id, at, provider, from_state, to_state, reason, by)
      select gen_random_uuid(), now() - interval '9 days', 'p', 'closed', 'open', '', 'gate' from generate_series(1, 2500)`;
    const pruning = openPruning(ledger, keeping({ retention: { logsDays: 5 } }));
    const steps: number[] = [];
    for (let step = await pruning.step(); step !== undefined; step = await pruning.step()) steps.push(step.events);
    expect(steps).toEqual([1_000, 1_000, 499]);
  });

  test("goes through many that ended in the same moment, and past those it may not take", async () => {
    const ledger = await openTestLedger(services);
    const ids = await accepted(ledger, 1_300);
    await ledger.sql`update requests set state = 'cancelled', finished_at = now() - interval '3 days'`;
    const { id: batchId } = await batchOf(ledger);
    const kept = ids.slice(0, 600);
    await ledger.sql`update requests set batch_id = ${batchId} where id = any(${kept}::uuid[])`;

    const removed = await pruned(ledger, keeping({ retention: { logsDays: 1 } }));

    expect(removed).toMatchObject({ requests: 700 });
    expect(await countsOf(ledger)).toMatchObject({ requests: 600, prompts: 600 });
  });

  test("waits for nobody: what another transaction has in hand stays for the next time", async () => {
    const ledger = await openTestLedger(services);
    const [held = "", free = ""] = await succeeded(ledger, 2);
    while ((await rollUpAttempts(ledger)) > 0);
    await endedAgo(ledger, [held, free], 3);
    const wish = keeping({ retention: { logsDays: 1 } });
    await ledger.sql.begin(async (sql) => {
      await sql`select 1 from requests where id = ${held} for update`;
      expect(await pruned(ledger, wish)).toMatchObject({ requests: 1 });
    });
    expect(await pruned(ledger, wish)).toMatchObject({ requests: 1 });
  });

  test("by two at once removes everything once", async () => {
    const ledger = await openTestLedger(services);
    await accepted(ledger, 1_500);
    await ledger.sql`update requests set state = 'failed', finished_at = now() - interval '3 days'`;
    const open = await requestIn(ledger, "held");
    const wish = keeping({ retention: { logsDays: 1 } });
    const both = await Promise.all([pruned(ledger, wish), pruned(ledger, wish)]);
    expect(both.reduce((sum, { requests }) => sum + requests, 0)).toBe(1_500);
    expect(await ledger.sql`select id from requests`).toEqual([{ id: open }]);
  });

  test("keeps the statistics, and calls that they do not hold yet", async () => {
    const ledger = await openTestLedger(services);
    const counted = await succeeded(ledger, 3);
    while ((await rollUpAttempts(ledger)) > 0);
    const before = await modelStats(ledger, 1);
    const uncounted = await succeeded(ledger, 1);
    await endedAgo(ledger, [...counted, ...uncounted], 3);

    expect(await pruned(ledger, keeping({ retention: { logsDays: 1 } }))).toMatchObject({ requests: 3, calls: 3 });

    expect(await modelStats(ledger, 1)).toEqual(before);
    expect(await ledger.sql`select id from requests`).toEqual([{ id: uncounted[0] }]);
  });

  test("frees an idempotency key with its request, and not before", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await succeeded(ledger, 1, { idempotencyKey: "k" });
    while ((await rollUpAttempts(ledger)) > 0);
    await endedAgo(ledger, [id], 3);
    await pruned(ledger, keeping({ retention: { payloadsDays: 1, resultsDays: 1 } }));
    expect(await requestWithKey(ledger, "t", "k")).toBe(id);
    expect(await requestById(ledger, id)).toMatchObject({
      state: "succeeded",
      result: undefined,
      kept: { prompt: "removed", answer: "removed" },
    });
    await pruned(ledger, keeping({ retention: { logsDays: 1 } }));
    expect(await requestWithKey(ledger, "t", "k")).toBeUndefined();
  });
});

describe("capture", () => {
  test("waits for the delivery window", async () => {
    const ledger = await openTestLedger(services);
    const ids = await succeeded(ledger, 2, { tenant: "clinic" });
    await endedAgo(ledger, ids.slice(0, 1), 0.4);
    const wish = keeping({ capture: { tenants: { clinic: "off" }, deliveryHours: 12 } });
    expect(await pruned(ledger, wish)).toEqual(nothingRemoved);
    await endedAgo(ledger, ids.slice(0, 1), 0.6);
    expect(await pruned(ledger, wish)).toMatchObject({ prompts: 1, answers: 1 });
    expect((await requestById(ledger, ids[1] ?? ""))?.result).toEqual(result);
  });

  test("leaves usage, cost and outcome of what it removes", async () => {
    const ledger = await openTestLedger(services);
    const ids = await succeeded(ledger, 1);
    await endedAgo(ledger, ids, 2);
    await pruned(ledger, keeping({ capture: { default: "off" } }));
    expect(await ledger.sql`select state, request_data, response_data from provider_logs`).toEqual([
      { state: "completed", request_data: null, response_data: null },
    ]);
    expect(await ledger.sql`select input_tokens, output_tokens, cost_nano_usd from attempts`).toEqual([
      { input_tokens: 12, output_tokens: 3, cost_nano_usd: "27000" },
    ]);
  });

  test("never sends a prompt that is masked or gone: such lines cannot be retried, others can", async () => {
    const ledger = await openTestLedger(services);
    const { id: batchId } = await batchOf(ledger);
    const line = (no: number) => ({ batchId, line: { no, customId: `c${no}`, shape: "plain" as const } });
    const tenants = ["off", "red", "on"];
    const ids: string[] = [];
    for (const [at, tenant] of tenants.entries()) {
      const body = promptBody("claude-haiku-4-5", "I am a@example.com");
      ids.push(await requestIn(ledger, "failed", { ...line(at + 1), tenant, body }));
    }
    await endedAgo(ledger, ids, 2);
    await ledger.sql`update batches set state = 'completed', finished_at = now() - interval '2 days'`;
    await pruned(ledger, keeping({ capture: { tenants: { off: "off", red: "redacted" } } }));
    expect((await keptBody(ledger, ids[1] ?? ""))?.masked).toBe(true);
    expect(await retryFailed(ledger, batchId)).toBe(1);
    const queued = await ledger.sql<
      { id: string; tenant: string }[]
    >`select id, tenant from requests where state = 'queued'`;
    expect(queued.map(({ tenant }) => tenant)).toEqual(["on"]);
    expect(textsIn((await bodyOf(ledger, queued[0]?.id ?? "")) ?? promptBody("", ""))[0]).toBe("I am a@example.com");
  });
});
