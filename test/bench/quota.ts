/**
 * How much of a paid quota arrives, and what is refused on the way: five ways in which providers count, a fleet of real
 * worker processes, lengths of a real trace; beside it, in the same run, what people use instead. The simulator enforces
 * the limits and its ledger is the judge.
 *
 * `--trace FILE` takes the lengths from a CSV; `--burst S`: seconds' worth that the provider's buckets hold; `--seeds N`;
 * `--processes 1,4,16`; `--seconds S`: length of a run (`--minute-seconds S` by the minute); `--shapes refilling,minute`;
 * `--alone`: without the peers; `--arms bullmqLimiter,sdkRetries`: these of them only; `--processes 0`: nothing but them.
 * See docs/limits.md for what this cannot show.
 */
import { bench } from "./bench.ts";
import { type Judgement, judgementWords } from "./quota/judge.ts";
import { ours } from "./quota/ours.ts";
import { type PeerArm, peer, peerArms } from "./quota/peers.ts";
import { openScene, type Scene } from "./quota/scene.ts";
import { type QuotaShape, quotaShapes, secondBound } from "./quota/shapes.ts";
import { traceName } from "./quota/trace.ts";

type Judgements = ReadonlyMap<QuotaShape["name"], Judgement>;
type Figures = Record<string, number>;

await bench("quota", async ({ quick, fleet, say }) => {
  const numbers = option("--processes", quick ? "4" : "1,4,16")
    .split(",")
    .map(Number)
    .filter((count) => count > 0);
  const seeds = Number(option("--seeds", quick ? "1" : "3"));
  const burstSeconds = Number(option("--burst", quick ? "1" : "4"));
  const seconds = Number(option("--seconds", quick ? "23" : "90"));
  const peerSeconds = Number(option("--peer-seconds", quick ? "2" : "45"));
  const minuteSeconds = Number(option("--minute-seconds", "480"));
  const named = option("--shapes", quick ? "refilling,reserved,second" : "refilling,reserved,refunded,second,minute");
  // Quick runs show two of them.
  const compared = option("--arms", quick ? "bullmqLimiter,sdkRetries" : peerArms.join(",")).split(",");
  const arms = process.argv.includes("--alone") ? [] : peerArms.filter((arm) => compared.includes(arm));
  const wished = quotaShapes(burstSeconds).filter(({ name }) => named.split(",").includes(name));
  const shapes = wished.filter(({ name }) => name !== "minute");
  const minute = wished.filter(({ name }) => name === "minute");
  say(`lengths: ${traceName()}; buckets of ${burstSeconds} s; runs of ${seconds} s, ${seeds} seed(s)`);
  const figures: Figures = {};
  const scene = (wish: { shapes: readonly QuotaShape[]; seed: number; seconds: number }) =>
    openScene({ fleet, burstSeconds, say, ...wish });

  for (const processes of shapes.length > 0 ? numbers : []) {
    const runs: Judgements[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const opened = await scene({ shapes, seed, seconds });
      runs.push(await ours(opened, processes, shapes).finally(() => opened.simulator.close()));
      tell(say, `millrace, ${processes} process(es), seed ${seed}`, runs.at(-1));
    }
    note(figures, shapes, runs, processes);
  }
  if (shapes.length > 0 && arms.length > 0) {
    const opened = await scene({ shapes, seed: 1, seconds: peerSeconds });
    await peers(opened, arms, quick ? 2 : 4, shapes, quick, figures).finally(() => opened.simulator.close());
  }
  if (minute.length > 0) {
    const opened = await scene({ shapes: minute, seed: 1, seconds: minuteSeconds });
    await byTheMinute(opened, minute, arms, figures).finally(() => opened.simulator.close());
  }
  return { ...figures, "second.bound": secondBound };
});

/** Figures of a number of processes; the plain names are those of the largest, refusals those of all. */
function note(figures: Figures, shapes: readonly QuotaShape[], runs: readonly Judgements[], processes: number): void {
  for (const { name } of shapes) {
    const judged = runs.flatMap((run) => run.get(name) ?? []);
    const efficiency = mean(judged.map((one) => one.efficiency));
    const own429s = total(judged.map((one) => one.refused));
    const reachable = judged.flatMap((one) => one.reachable ?? []);
    figures[`${name}.efficiency${processes}`] = efficiency;
    figures[`${name}.own429s${processes}`] = own429s;
    figures[`${name}.efficiency`] = efficiency;
    figures[`${name}.own429s`] = (figures[`${name}.own429s`] ?? 0) + own429s;
    if (reachable.length > 0) figures[`${name}.reachable`] = mean(reachable);
    figures[`${name}.p99WaitS`] = mean(judged.map((one) => one.p99WaitS));
  }
}

/** Minutes of the clock take minutes: all arms at the same time, four processes each, every one with limits of its own. */
async function byTheMinute(
  scene: Scene,
  shapes: readonly QuotaShape[],
  arms: readonly PeerArm[],
  figures: Figures,
): Promise<void> {
  const own = async () => {
    const run = await ours(scene, 4, shapes);
    tell(scene.say, "millrace, 4 process(es), seed 1", run);
    note(figures, shapes, [run], 4);
  };
  const measure = async (arm: PeerArm) => {
    const run = await peer(scene, arm, 2, shapes, arm === "bullmqLimiter" ? 0.85 : 1);
    tell(scene.say, arm, run);
    notePeer(figures, shapes, arm, [run]);
  };
  await Promise.all([own(), ...arms.map(measure)]);
}

async function peers(
  scene: Scene,
  arms: readonly PeerArm[],
  processes: number,
  shapes: readonly QuotaShape[],
  quick: boolean,
  figures: Figures,
): Promise<void> {
  const measure = async (arm: PeerArm) => {
    // The limiter in requests is swept; its best setting counts.
    const settings = arm === "bullmqLimiter" && !quick ? [0.5, 0.7, 0.85, 1] : [1];
    const runs: Judgements[] = [];
    for (const setting of settings) {
      runs.push(await peer(scene, arm, processes, shapes, setting));
      tell(scene.say, `${arm}${settings.length > 1 ? ` at ${setting}` : ""}`, runs.at(-1));
    }
    notePeer(figures, shapes, arm, runs);
  };
  // Quick runs let them go at the same time: each has limits of its own.
  if (quick) await Promise.all(arms.map(measure));
  else for (const arm of arms) await measure(arm);
}

function notePeer(figures: Figures, shapes: readonly QuotaShape[], arm: PeerArm, runs: readonly Judgements[]): void {
  for (const { name } of shapes) {
    const judged = runs.flatMap((run) => run.get(name) ?? []);
    const best = judged.reduce((one, other) => (score(other) > score(one) ? other : one));
    figures[`${name}.${arm}.efficiency`] = best.efficiency;
    figures[`${name}.${arm}.refusedPer1000`] = (1_000 * best.refused) / Math.max(1, best.admitted);
  }
}

/** A refusal costs more than its share of time: of two settings the one with fewer is better where both are fast. */
function score({ efficiency, refused, admitted }: Judgement): number {
  return efficiency - refused / Math.max(1, admitted);
}

function tell(say: (line: string) => void, title: string, judgements: Judgements | undefined): void {
  for (const [name, judgement] of judgements ?? []) say(`  ${title}: ${name} ${judgementWords(judgement)}`);
}

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function mean(values: readonly number[]): number {
  return total(values) / Math.max(1, values.length);
}
