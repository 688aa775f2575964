/**
 * How much of a paid quota arrives, and what is refused on the way: five ways in which providers count, a fleet of real
 * worker processes, lengths of a real trace; beside it, in the same run, what people use instead. The simulator enforces
 * the limits and its ledger is the judge.
 *
 * `--trace FILE` takes the lengths from a CSV; `--burst S`: seconds' worth that the provider's buckets hold; `--seeds N`;
 * `--processes 1,4,16`; `--seconds S`: length of a run. See docs/limits.md for what this cannot show.
 */
import { bench } from "./bench.ts";
import { type Judgement, judgementWords } from "./quota/judge.ts";
import { ours } from "./quota/ours.ts";
import { peer, peerArms } from "./quota/peers.ts";
import { openScene, type Scene } from "./quota/scene.ts";
import { type QuotaShape, quotaShapes, secondBound } from "./quota/shapes.ts";
import { traceName } from "./quota/trace.ts";

type Judgements = ReadonlyMap<QuotaShape["name"], Judgement>;

await bench("quota", async ({ quick, fleet, say }) => {
  const numbers = option("--processes", quick ? "4" : "1,4,16")
    .split(",")
    .map(Number);
  const seeds = Number(option("--seeds", quick ? "1" : "3"));
  const burstSeconds = Number(option("--burst", quick ? "1.5" : "10"));
  const seconds = Number(option("--seconds", quick ? "12" : "240"));
  const peerSeconds = Number(option("--peer-seconds", quick ? "3" : "150"));
  const shapes = quotaShapes(burstSeconds).filter((shape) => !quick || !shape.needsMinutes);
  say(`lengths: ${traceName()}; buckets of ${burstSeconds} s; runs of ${seconds} s, ${seeds} seed(s)`);
  const figures: Record<string, number> = {};
  const most = Math.max(...numbers);

  for (const processes of numbers) {
    const runs: Judgements[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const scene = await openScene({ fleet, shapes, seed, burstSeconds, seconds, say });
      runs.push(await ours(scene, processes, shapes).finally(() => scene.simulator.close()));
      tell(say, `millrace, ${processes} process(es), seed ${seed}`, runs.at(-1));
    }
    for (const { name } of shapes) {
      const judged = runs.flatMap((run) => run.get(name) ?? []);
      figures[`${name}.efficiency${processes}`] = mean(judged.map((one) => one.efficiency));
      figures[`${name}.own429s${processes}`] = total(judged.map((one) => one.refused));
      if (processes !== most) continue;
      figures[`${name}.efficiency`] = mean(judged.map((one) => one.efficiency));
      figures[`${name}.p99WaitS`] = mean(judged.map((one) => one.p99WaitS));
    }
  }
  for (const { name } of shapes) {
    figures[`${name}.own429s`] = total(numbers.map((processes) => figures[`${name}.own429s${processes}`] ?? 0));
  }
  figures["second.bound"] = secondBound;

  const scene = await openScene({ fleet, shapes, seed: 1, burstSeconds, seconds: peerSeconds, say });
  await peers(scene, Math.min(quick ? 2 : 4, most), shapes, quick, figures).finally(() => scene.simulator.close());
  return figures;
});

async function peers(
  scene: Scene,
  processes: number,
  shapes: readonly QuotaShape[],
  quick: boolean,
  figures: Record<string, number>,
): Promise<void> {
  for (const arm of peerArms) {
    // The limiter in requests is swept; its best setting counts.
    const settings = arm === "bullmqLimiter" && !quick ? [0.5, 0.7, 0.85, 1] : [1];
    const runs: Judgements[] = [];
    for (const setting of settings) {
      runs.push(await peer(scene, arm, processes, shapes, setting));
      tell(scene.say, `${arm}${settings.length > 1 ? ` at ${setting}` : ""}`, runs.at(-1));
    }
    for (const { name } of shapes) {
      const judged = runs.flatMap((run) => run.get(name) ?? []);
      const best = judged.reduce((one, other) => (score(other) > score(one) ? other : one));
      figures[`${name}.${arm}.efficiency`] = best.efficiency;
      figures[`${name}.${arm}.refusedPer1000`] = (1_000 * best.refused) / Math.max(1, best.admitted);
    }
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
