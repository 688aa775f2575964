/**
 * What the queue adds to an interactive request: from the call of `accept` to the moment the provider is called, with an
 * idle fleet and with 100,000 bulk requests waiting while the same worker works them off.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { CallInput, Connection } from "../../src/provider/provider.ts";
import { promptBody, textsIn } from "../../src/request/body.ts";
import { startAll } from "../../workers/all.ts";
import { bench, instantConnection, percentile } from "./bench.ts";

const model = "claude-haiku-4-5";
/** Calls take half to one and a half of this, so that bulk work holds its slots as real calls do. */
const callMs = 1_000;
const probes = 200;

/** Hears of every call as it reaches the provider. */
let onCall: (input: CallInput) => void = () => {};

await bench("latency", async ({ fleet, say }) => {
  const slow: Connection = {
    ...instantConnection,
    chat: async (input) => {
      onCall(input);
      await sleep(callMs * (0.5 + Math.random()));
      return instantConnection.chat();
    },
  };
  const workers = await startAll(fleet, {
    connections: new Map([["anthropic", slow]]),
    onError: (error) => {
      throw error;
    },
  });
  const empty = await probe(fleet);
  say(`  empty: p50 ${percentile(empty, 0.5).toFixed(1)} ms, p99 ${percentile(empty, 0.99).toFixed(1)} ms`);
  await fillBacklog(fleet, 100_000);
  const loaded = await probe(fleet);
  const [row] = await fleet.ledger.sql<{ n: number }[]>`select count(*)::int as n from requests where state = 'queued'`;
  say(
    `  backlog: p50 ${percentile(loaded, 0.5).toFixed(1)} ms, p99 ${percentile(loaded, 0.99).toFixed(1)} ms; ${row?.n} still queued`,
  );
  if ((row?.n ?? 0) < 50_000) throw new Error("the backlog ran out before the end of the measurement");
  await workers.drain(0);
  return {
    emptyP50Ms: percentile(empty, 0.5),
    emptyP99Ms: percentile(empty, 0.99),
    backlogP50Ms: percentile(loaded, 0.5),
    backlogP99Ms: percentile(loaded, 0.99),
    backlogP50Ratio: percentile(loaded, 0.5) / percentile(empty, 0.5),
  };
});

/** One at a time, a little apart: each finds the fleet as a person's request would. */
async function probe(fleet: Fleet): Promise<number[]> {
  const waits: number[] = [];
  for (let n = 0; n < probes + 10; n += 1) {
    const started = performance.now();
    const called = new Promise<number>((resolve) => {
      onCall = (input) => {
        if (textsIn(input.body)[0] === `probe ${n}`) resolve(performance.now());
      };
    });
    const [answer] = await fleet.intake.accept([
      { body: promptBody(model, `probe ${n}`), tenant: "person", priority: "interactive" },
    ]);
    if (answer?.ok !== true) throw new Error("an order was refused");
    const at = await called;
    if (n >= 10) waits.push(at - started);
    await sleep(20);
  }
  return waits;
}

async function fillBacklog(fleet: Fleet, rows: number): Promise<void> {
  for (let done = 0; done < rows; done += 1_000) {
    await fleet.intake.accept(
      Array.from({ length: 1_000 }, (_, at) => ({
        body: promptBody(model, `What is ${done} + ${at}?`),
        tenant: `tenant-${at % 10}`,
        priority: "bulk" as const,
      })),
    );
  }
}
