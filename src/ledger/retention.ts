/** What is kept and for how long, carried out: passes over what has ended, in small steps between other work. */
import { type Capture, captureOf, type Retention } from "../config/retention.ts";
import type { Ledger } from "./ledger.ts";
import {
  beginning,
  type EndedRequest,
  endedBefore,
  maskKept,
  nothingRemoved,
  type Place,
  type Removed,
  removeBatches,
  removeContent,
  removeRequests,
  type Way,
} from "./prune.ts";

export interface Keeping {
  readonly retention: Retention;
  readonly capture: Capture;
}

interface Pass {
  /** From the end of a request. */
  readonly ageMs: number;
  act(ledger: Ledger, rows: readonly EndedRequest[], way: Way): Promise<Partial<Removed>>;
  /** After the last page: what is left to do, and that the next time begins at the beginning. */
  readonly sweep?: (ledger: Ledger, way: Way) => Promise<Partial<Removed>>;
}

const dayMs = 86_400_000;
/** Requests of a step. */
const pageRows = 500;

/** One for each rule; none when everything is kept as it is. */
function passesOf({ retention, capture }: Keeping): Pass[] {
  const { payloadsDays, resultsDays, logsDays } = retention;
  return [
    ...(capturesAll(capture) ? [] : [capturePass(capture)]),
    ...(payloadsDays === undefined ? [] : [contentPass("body", payloadsDays * dayMs, capture)]),
    ...(resultsDays === undefined ? [] : [contentPass("result", resultsDays * dayMs, capture)]),
    ...(logsDays === undefined ? [] : [requestsPass(logsDays * dayMs)]),
  ];
}

const capturesAll = (capture: Capture): boolean =>
  [capture.default, ...Object.values(capture.tenants)].every((mode) => mode === "on");

export const keepsEverything = (keeping: Keeping): boolean => passesOf(keeping).length === 0;

const windowMs = (capture: Capture): number => capture.deliveryHours * 3_600_000;

const capturePass = (capture: Capture): Pass => ({
  ageMs: windowMs(capture),
  async act(ledger, rows, way) {
    const [off, redacted] = (["off", "redacted"] as const).map((mode) =>
      rows.filter(({ tenant }) => captureOf(capture, tenant) === mode),
    );
    return {
      prompts: await removeContent(ledger, off ?? [], "body", way),
      answers: await removeContent(ledger, off ?? [], "result", way),
      masked: await maskKept(ledger, redacted ?? [], way),
    };
  },
});

/** What the pass before has removed by then is not looked for again. */
const contentPass = (kind: "body" | "result", ageMs: number, capture: Capture): Pass => ({
  ageMs,
  async act(ledger, rows, way) {
    const there = rows.filter(({ tenant }) => ageMs < windowMs(capture) || captureOf(capture, tenant) !== "off");
    const removed = await removeContent(ledger, there, kind, way);
    return kind === "body" ? { prompts: removed } : { answers: removed };
  },
});

const requestsPass = (ageMs: number): Pass => ({
  ageMs,
  act: (ledger, rows, way) => removeRequests(ledger, rows, ageMs, way),
  sweep: async (ledger, way) => ({ batches: await removeBatches(ledger, ageMs, way) }),
});

export interface Pruning {
  /** One page of one pass. Undefined: nothing is old enough now. */
  step(): Promise<Removed | undefined>;
}

/** The passes one after the other, each to its end. Where they are is known to this process only: a new one looks at everything once. */
export function openPruning(ledger: Ledger, keeping: Keeping, way: Way = { dryRun: false }): Pruning {
  const tracks = passesOf(keeping).map((pass) => ({ pass, place: beginning as Place }));
  let current = 0;
  return {
    async step() {
      for (; current < tracks.length; current += 1) {
        const track = tracks[current];
        if (track === undefined) break;
        const { rows, last } = await endedBefore(ledger, track.pass.ageMs, track.place, pageRows);
        if (last !== undefined) {
          const removed = await track.pass.act(ledger, rows, way);
          track.place = last;
          return { ...nothingRemoved, ...removed };
        }
        if (track.pass.sweep !== undefined) {
          track.place = beginning;
          const swept = await track.pass.sweep(ledger, way);
          if (Object.values(swept).some((count) => count > 0)) {
            current += 1;
            return { ...nothingRemoved, ...swept };
          }
        }
      }
      current = 0;
      return undefined;
    },
  };
}

/** Of a second, so that calls never wait for it. */
const budgetMs = 200;
const restMs = 60_000;

/** For the reconciler's leader: a little at each look, and a minute of rest when nothing is left to do. */
export function openRetention(ledger: Ledger, keeping: Keeping): { look(): Promise<void> } {
  const pruning = openPruning(ledger, keeping);
  let restUntil = keepsEverything(keeping) ? Number.POSITIVE_INFINITY : 0;
  return {
    async look() {
      const began = Date.now();
      while (Date.now() >= restUntil && Date.now() - began < budgetMs) {
        if ((await pruning.step()) === undefined) restUntil = Date.now() + restMs;
      }
    },
  };
}
