/**
 * Retention beside a working fleet: the same work with and without the reconciler's removal of old requests, arms taking
 * turns. What is removed is what the rounds before have made, dated back: requests with prompt, answer and call.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type Keeping, openPruning, openRetention } from "../../src/ledger/retention.ts";
import { rollUpAttempts } from "../../src/ledger/stats.ts";
import { bench, median } from "./bench.ts";
import { ours } from "./our-work.ts";

/** As often as the reconciler. */
const lookEveryMs = 1_000;

await bench("prune", async ({ quick, fleet, say }) => {
  const jobs = quick ? 10_000 : 20_000;
  const rounds = quick ? 2 : 5;
  const keeping: Keeping = { ...fleet.config, retention: { ...fleet.config.retention, logsDays: 30 } };
  const rates = { alone: [] as number[], pruning: [] as number[], removedBeside: [] as number[] };
  await ours(fleet, 2 * jobs);
  for (let round = 0; round < rounds; round += 1) {
    rates.alone.push(await ours(fleet, jobs));
    await makeOld(fleet);
    await rollUp(fleet);
    const before = await kept(fleet);
    const retention = openRetention(fleet.ledger, keeping);
    let looks = 0;
    const ended = new AbortController();
    const looking = (async () => {
      while (!ended.signal.aborted) {
        await retention.look();
        looks += 1;
        await sleep(lookEveryMs, undefined, { signal: ended.signal }).catch(() => {});
      }
    })();
    const started = performance.now();
    rates.pruning.push(await ours(fleet, jobs));
    ended.abort();
    await looking;
    const seconds = (performance.now() - started) / 1000;
    const removed = before + jobs - (await kept(fleet));
    if (removed >= before)
      throw new Error(`all ${before} old requests were gone before the work was: make more of them`);
    rates.removedBeside.push(removed / seconds);
    const [alone, pruning, gone] = [rates.alone, rates.pruning, rates.removedBeside].map((all) =>
      Math.round(all.at(-1) ?? 0),
    );
    say(
      `  round ${round + 1}: alone ${alone}/s, beside removal ${pruning}/s; ${removed} removed in ${looks} looks, ${gone}/s`,
    );
  }
  await makeOld(fleet);
  await rollUp(fleet);
  const left = await kept(fleet);
  const began = performance.now();
  const pruning = openPruning(fleet.ledger, keeping);
  while ((await pruning.step()) !== undefined);
  const atOnce = left / ((performance.now() - began) / 1000);
  if ((await kept(fleet)) !== 0) throw new Error("old requests are left");
  const [alone, beside] = [median(rates.alone), median(rates.pruning)];
  return {
    alonePerSecond: alone,
    besideRemovalPerSecond: beside,
    ratioBesideRemoval: beside / alone,
    removedBesidePerSecond: median(rates.removedBeside),
    removedAtOncePerSecond: atOnce,
  };
});

/** Calls go only once they are in the statistics. */
async function rollUp({ ledger }: Fleet): Promise<void> {
  while ((await rollUpAttempts(ledger)) > 0);
}

async function makeOld({ ledger }: Fleet): Promise<void> {
  await ledger.sql`update requests set finished_at = finished_at - interval '40 days' where finished_at > now() - interval '30 days'`;
}

async function kept({ ledger }: Fleet): Promise<number> {
  const [row] = await ledger.sql<{ n: number }[]>`select count(*)::int as n from requests`;
  return row?.n ?? 0;
}
