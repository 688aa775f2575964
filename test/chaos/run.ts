/** One fault under load: work is handed in while it lasts, then everything must end. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Arm, type Verdict, workOf } from "./arm.ts";
import type { Fault, Scene } from "./faults.ts";

export interface Outcome extends Verdict {
  readonly fault: string;
  /** From the end of the fault to the next call that the provider answered; undefined: there was none. */
  readonly resumeS: number | undefined;
  /** Processes that ended by themselves; a supervisor had to start them again. */
  readonly exits: number;
}

export interface Load {
  readonly perSecond: number;
  /** How long nothing may end before it is taken that nothing more will. */
  readonly patienceMs: number;
}

const groupSize = 10;
/** Work comes in this long before a fault and after it. */
const beforeMs = 700;
const afterMs = 1_500;

let runs = 0;

export async function runFault(scene: Scene, fault: Fault, load: Load): Promise<Outcome> {
  const { arm, stage } = scene;
  runs += 1;
  const since = (stage.simulator.ledger().at(-1)?.seq ?? -1) + 1;
  let untilMs = Number.POSITIVE_INFINITY;
  const exitsBefore = exitsOf(arm);
  const [ids, faultEndMs] = await Promise.all([
    handIn(arm, `${arm.name}-${runs}`, load, () => untilMs),
    sleep(beforeMs)
      .then(() => fault.run(scene))
      .then(() => {
        untilMs = Date.now() + afterMs;
        return Date.now();
      }),
  ]);
  await untilEnded(arm, ids, load.patienceMs);
  const next = stage.simulator
    .ledger()
    .find(({ seq, atMs, status }) => seq >= since && atMs >= faultEndMs && status === 200);
  return {
    fault: fault.name,
    ...(await arm.judge(ids, since)),
    resumeS: next === undefined ? undefined : (next.atMs - faultEndMs) / 1_000,
    exits: exitsOf(arm) - exitsBefore,
  };
}

const exitsOf = ({ workers, keepers, api }: Arm): number =>
  [...workers, ...keepers, ...(api === undefined ? [] : [api])].reduce((sum, one) => sum + one.exits(), 0);

/** A fleet that was just started is not what is tested. */
export async function warmUp(arm: Arm): Promise<void> {
  const works = Array.from({ length: 30 }, (_, at) => workOf(`${arm.name}-warm`, at));
  await untilEnded(arm, await arm.accept(works), 60_000);
}

/** Groups go out at their times, and do not wait for each other: an API that is away must not slow the load down. */
async function handIn(arm: Arm, name: string, load: Load, untilMs: () => number): Promise<readonly string[]> {
  const groups: Promise<readonly string[]>[] = [];
  for (let number = 0; Date.now() < untilMs(); number += groupSize) {
    groups.push(arm.accept(Array.from({ length: groupSize }, (_, at) => workOf(name, number + at))));
    await sleep((groupSize * 1_000) / load.perSecond);
  }
  return (await Promise.all(groups)).flat();
}

/** What does not get less any more will not end: then there is nothing to wait for. */
async function untilEnded(arm: Arm, ids: readonly string[], patienceMs: number): Promise<void> {
  let least = ids.length;
  let lastChange = Date.now();
  while (Date.now() - lastChange < patienceMs) {
    const open = await arm.open(ids).catch(() => least);
    if (open === 0) return;
    if (open < least) [least, lastChange] = [open, Date.now()];
    await sleep(100);
  }
}
