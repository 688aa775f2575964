/** How a chaos run is told. */
import type { Outcome } from "./run.ts";

export const headline = (seed: number): string =>
  `chaos, Node ${process.version}, seed ${seed}: a request that was accepted must end, once; calls made twice are counted`;

const columns = [
  "accepted",
  "ended",
  "failed",
  "lost",
  "twice",
  "unadmitted",
  "nano-USD off",
  "left",
  "exits",
  "resumes",
];
export const heading = `${"".padEnd(50)}${columns.map((name) => name.padStart(13)).join("")}`;

export function words(arm: string, outcome: Outcome): string {
  const { accepted, terminal, failed, duplicates, unadmittedDuplicates, ledgerDifferenceNanoUsd, left, exits } =
    outcome;
  const resumes = outcome.resumeS === undefined ? "–" : `${outcome.resumeS.toFixed(1)} s`;
  const cells = [accepted, terminal, failed, accepted - terminal, duplicates, unadmittedDuplicates];
  const all = [...cells, ledgerDifferenceNanoUsd, left, exits, resumes];
  return `${arm.padEnd(10)}${outcome.fault.padEnd(40)}${all.map((cell) => String(cell).padStart(13)).join("")}`;
}

export interface Totals {
  readonly accepted: number;
  readonly terminal: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly unadmittedDuplicates: number;
  readonly ledgerDifferenceNanoUsd: number;
  readonly left: number;
  readonly exits: number;
}

export function totals(outcomes: readonly Outcome[]): Totals {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  return {
    accepted: sum(({ accepted }) => accepted),
    terminal: sum(({ terminal }) => terminal),
    lost: sum(({ accepted, terminal }) => accepted - terminal),
    duplicates: sum(({ duplicates }) => duplicates),
    unadmittedDuplicates: sum((outcome) => outcome.unadmittedDuplicates),
    ledgerDifferenceNanoUsd: sum((outcome) => Math.abs(outcome.ledgerDifferenceNanoUsd)),
    left: sum(({ left }) => left),
    exits: sum(({ exits }) => exits),
  };
}
