/** The fleet as it is deployed: an API, two workers, two processes that feed and reconcile; the ledger is asked directly. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../../src/config/config.ts";
import { type Ledger, openLedger } from "../../src/ledger/ledger.ts";
import { costOf } from "../../src/pricing/price.ts";
import { providers } from "../../src/provider/registry.ts";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import type { CallRecord } from "../../src/simulator/call-ledger.ts";
import { vendors } from "../../src/simulator/vendor.ts";
import { type Arm, leaseMs, slots, type Verdict, type Work } from "./arm.ts";
import { byRequest, duplicatesIn } from "./calls.ts";
import { built, type Supervised, source, supervise } from "./processes.ts";
import type { Stage } from "./stage.ts";

/** One of the workers can be given another time. */
const steppedClock = ["--import", source("test/chaos/stepped-clock.mjs")];

const unlimited = { requestsPerMinute: 1_000_000, concurrency: 1_000 };
const settings = {
  providers: { anthropic: unlimited, openai: unlimited, gemini: unlimited },
  attempts: { perDeployment: 10, total: 10, baseMs: 50, capMs: 1_000 },
  circuit: { coolDownMs: 1_000 },
  timeouts: { firstTokenMs: 8_000, idleMs: 3_000, totalMs: 20_000 },
  worker: { slotsPerLane: slots, leaseMs, drainGraceMs: 5_000 },
};

export async function openFleetArm(stage: Stage): Promise<Arm> {
  writeFileSync(join(stage.directory, "millrace.json"), JSON.stringify(settings));
  const port = await freePort(undefined);
  const cli = built("producers/cli/main.js");
  const options = { cwd: stage.directory, environment: stage.environment };
  const run = (name: string, ready: RegExp, ...args: string[]): Promise<Supervised> =>
    supervise({ name, args: [...(name === "worker 1" ? steppedClock : []), cli, ...args], ready }, options);
  const api = await run("api", /Serving /, "serve", "--port", String(port));
  const [workers, keepers] = await Promise.all([
    Promise.all([1, 2].map((no) => run(`worker ${no}`, /Working: /, "worker", ...vendors))),
    Promise.all([1, 2].map((no) => run(`keeper ${no}`, /Working: /, "worker", "feeder", "reconciler"))),
  ]);
  const ledger = openLedger(stage.postgres.url, { connections: 2 });
  const { catalog } = loadConfig(Object.values(providers), stage.directory, stage.environment);
  const bookOf = (deployment: string) => catalog.deployment(deployment)?.priceBook ?? "";
  return {
    name: "millrace",
    workers,
    keepers,
    api,
    accept: (works) => post(`http://127.0.0.1:${port}/v1/requests`, works),
    async open(ids) {
      const [row] = await ledger.sql<{ n: number }[]>`
        select count(*)::int as n from requests where id = any(${ids}::uuid[])
          and state in ('queued', 'dispatched', 'running', 'waiting', 'held')`;
      return row?.n ?? ids.length;
    },
    judge: (ids, since) => judge(stage, ledger, bookOf, ids, since),
    async close() {
      await Promise.all([api, ...workers, ...keepers].map((one) => one.end()));
      await ledger.close();
    },
  };
}

/** One key for each group, said until it is acknowledged: the same key is the same requests. */
async function post(url: string, works: readonly Work[]): Promise<readonly string[]> {
  const body = JSON.stringify(works.map(({ model, prompt, stream }) => ({ model, prompt, stream })));
  const headers = { "content-type": "application/json", "idempotency-key": works[0]?.key ?? "" };
  for (;;) {
    const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
    const text = await answer?.text().catch(() => undefined);
    if (answer?.ok && text !== undefined) {
      const { data }: { data: readonly { id: string }[] } = JSON.parse(text);
      return data.map(({ id }) => id);
    }
    if (answer !== undefined && answer.status < 500) throw new Error(`the API refused work: ${text}`);
    await sleep(200);
  }
}

interface AttemptLine {
  readonly request_id: string;
  readonly provider_request_id: string | null;
  readonly deployment: string;
  readonly model: string;
  readonly cost: string | null;
  readonly started_at: Date;
}

async function judge(
  stage: Stage,
  ledger: Ledger,
  bookOf: (deployment: string) => string,
  ids: readonly string[],
  since: number,
): Promise<Verdict> {
  const [ends] = await ledger.sql<{ ended: number; failed: number; results: number }[]>`
    select count(*) filter (where state in ('succeeded', 'failed', 'cancelled'))::int as ended,
      count(*) filter (where state = 'failed')::int as failed,
      count(*) filter (where state <> 'succeeded' or exists (
        select from payloads p where p.request_id = r.id and p.kind = 'result'))::int as results
    from requests r where id = any(${ids}::uuid[])`;
  if (ends?.results !== ids.length) throw new Error(`${ids.length - (ends?.results ?? 0)} successes have no result`);
  const attempts = await ledger.sql<AttemptLine[]>`
    select request_id, provider_request_id, deployment, model, cost_nano_usd::text as cost, started_at
    from attempts where request_id = any(${ids}::uuid[])`;
  const known = new Set(ids);
  const calls = stage.simulator.ledger().filter(({ seq, correlation = "" }) => seq >= since && known.has(correlation));
  const arrived = byRequest(calls);
  const rows = new Map<string, number>();
  for (const { request_id } of attempts) rows.set(request_id, (rows.get(request_id) ?? 0) + 1);
  const unadmitted = [...arrived].reduce(
    (sum, [id, theirs]) => sum + Math.max(0, theirs.length - (rows.get(id) ?? 0)),
    0,
  );
  return {
    accepted: ids.length,
    terminal: ends.ended,
    failed: ends.failed,
    duplicates: duplicatesIn(arrived),
    unadmittedDuplicates: unadmitted,
    ledgerDifferenceNanoUsd: difference(attempts, calls, bookOf),
    left: await leftBehind(stage, ledger, ids),
  };
}

/**
 * What our rows say their calls cost, less what the provider's own counts of the same calls come to. Of an answer that was
 * broken off nobody was told the counts, so only whole ones are compared.
 */
function difference(
  attempts: readonly AttemptLine[],
  calls: readonly CallRecord[],
  bookOf: (deployment: string) => string,
): number {
  // One vendor's ids come without the prefix.
  const bare = (id: string) => id.replace(/^req_/, "");
  const bill = new Map(calls.map((call) => [bare(call.requestId), call]));
  let sum = 0n;
  for (const { cost, provider_request_id, deployment, model, started_at } of attempts) {
    const call = bill.get(bare(provider_request_id ?? ""));
    if (cost === null || (call !== undefined && call.ended !== "complete")) continue;
    const usage = { inputTokens: call?.inputTokens ?? 0, outputTokens: call?.outputTokens ?? 0 };
    sum += BigInt(cost) - (costOf(bookOf(deployment), model, usage, started_at)?.nanoUsd ?? 0n);
  }
  return Number(sum);
}

/** Leases of workers that died end by themselves; what is still there after that is a leak. */
async function leftBehind(stage: Stage, ledger: Ledger, ids: readonly string[]): Promise<number> {
  const until = Date.now() + 3 * leaseMs;
  for (;;) {
    const left = (await permits(stage)) + (await tokens(ledger, ids));
    if (left === 0 || Date.now() > until) return left;
    await sleep(200);
  }
}

/** Expired ones are removed by the next question to the gate; they hold nothing. */
async function permits({ redis }: Stage): Promise<number> {
  const [[seconds = "0", micros = "0"], keys] = await Promise.all([
    redis.client.time().then((time) => time.map(String)),
    redis.client.keys("millrace:{*}:leases:*"),
  ]);
  const nowUs = (Number(seconds) - leaseEpochSeconds) * 1e6 + Number(micros);
  const counts = await Promise.all(keys.map((key) => redis.client.zcount(key, nowUs, "+inf")));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Gate times count from 2025. */
const leaseEpochSeconds = Date.UTC(2025, 0, 1) / 1_000;

async function tokens(ledger: Ledger, ids: readonly string[]): Promise<number> {
  const [row] = await ledger.sql<{ n: number }[]>`
    select count(*)::int as n from requests where id = any(${ids}::uuid[]) and lease_token is not null`;
  return row?.n ?? 0;
}
