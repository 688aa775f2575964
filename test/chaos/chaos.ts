/**
 * What is lost and what is done twice while everything that can break does: real processes, a real Redis, a real Postgres,
 * HTTP to a provider that keeps its own ledger. `--quick` mixes the short faults for half a minute; `--json` ends with one
 * object; `--only worker,Redis` takes faults by parts of their names; `--seed N`; `--rate N` requests a second;
 * `--no-plain` leaves the baseline out.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomFrom } from "../support/random.ts";
import type { Arm } from "./arm.ts";
import { type Fault, faults, mixed } from "./faults.ts";
import { openFleetArm } from "./fleet-arm.ts";
import { openPlainArm } from "./plain-arm.ts";
import { type Load, type Outcome, runFault, warmUp } from "./run.ts";
import { openStage, type Stage } from "./stage.ts";
import { heading, headline, totals, words } from "./words.ts";

const has = (name: string): boolean => process.argv.includes(name);
const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};

const isQuick = has("--quick");
const say = (line: string): void => void (has("--json") ? process.stderr : process.stdout).write(`${line}\n`);
const seed = Number(option("--seed", "1"));
const load: Load = {
  perSecond: Number(option("--rate", isQuick ? "25" : "40")),
  patienceMs: 60_000,
};

function chosen(): readonly Fault[] {
  const short = faults.filter(({ isLong, name }) => isLong !== true && name !== "none");
  if (isQuick) return [mixed(4, short)];
  const parts = option("--only", "").split(",");
  return [...faults, mixed(short.length, short)].filter(({ name }) => parts.some((part) => name.includes(part)));
}

async function runArm(stage: Stage, open: (stage: Stage) => Promise<Arm>): Promise<readonly Outcome[]> {
  const arm = await open(stage);
  const outcomes: Outcome[] = [];
  try {
    await warmUp(arm);
    for (const fault of chosen()) {
      if (arm.name === "plain" && fault.ofFleet === true) continue;
      const outcome = await runFault({ stage, arm, say, random: randomFrom(seed) }, fault, {
        ...load,
        patienceMs: arm.name === "plain" ? 10_000 : load.patienceMs,
      });
      outcomes.push(outcome);
      say(words(arm.name, outcome));
      if (outcome.terminal < outcome.accepted && arm.name === "millrace") {
        for (const one of [...arm.workers, ...arm.keepers]) say(`── ${one.name}\n${one.words()}`);
      }
    }
    return outcomes;
  } finally {
    await arm.close();
  }
}

const directory = await mkdtemp(join(tmpdir(), "millrace-chaos-"));
const stage = await openStage(directory, seed);
try {
  say(headline(seed));
  say(heading);
  const ours = totals(await runArm(stage, openFleetArm));
  const plain = isQuick || has("--no-plain") ? undefined : totals(await runArm(stage, openPlainArm));
  const result = { ...ours, ...(plain && { plainLost: plain.lost, plainDuplicates: plain.duplicates }) };
  if (has("--json")) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    say(
      Object.entries(result)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    );
  if (ours.lost > 0 || ours.unadmittedDuplicates > 0 || ours.ledgerDifferenceNanoUsd !== 0) process.exitCode = 1;
} finally {
  await stage.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
}
