/** What is kept and for how long, carried out: passes over what has ended, in small steps between other work. */
import { type Capture, captureOf, type Retention } from "../config/retention.ts";
import type { Ledger } from "./ledger.ts";
import {
  beginning,
  type EndedRequest,
  endedLines,
  endedSingles,
  maskKept,
  nextEndedBatch,
  nothingRemoved,
  type Place,
  type Removed,
  removeBatches,
  removeContent,
  removeDeliveries,
  removeEvents,
  removeRequests,
  type Way,
} from "./prune.ts";

export interface Keeping {
  readonly retention: Retention;
  readonly capture: Capture;
}

interface Pass {
  /** From the end of a request, or of its batch. */
  readonly ageMs: number;
  act(ledger: Ledger, rows: readonly EndedRequest[], way: Way): Promise<Partial<Removed>>;
  /** After the last page, until nothing is left to do; the next time begins at the beginning. */
  readonly sweep?: (ledger: Ledger, way: Way) => Promise<Partial<Removed>>;
}

const dayMs = 86_400_000;
/** Requests of a step: some milliseconds of work, or, where texts are masked one by one, tenths of a second. */
const pageRows = 200;

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
  sweep: async (ledger, way) => ({
    batches: await removeBatches(ledger, ageMs, way),
    events: await removeEvents(ledger, ageMs, way),
    deliveries: await removeDeliveries(ledger, ageMs, way),
  }),
});

export interface Pruning {
  /** One page of one pass. Undefined: nothing is old enough now. */
  step(): Promise<Removed | undefined>;
}

/** Where a pass is: behind a request that came alone, behind a batch, and in the lines of the next one. */
interface Track {
  readonly pass: Pass;
  single: Place;
  batch: Place;
  under: { readonly batch: Place; readonly line: number } | undefined;
}

/** The passes one after the other, each to its end. Where they are is known to this process only: a new one looks at everything once. */
export function openPruning(ledger: Ledger, keeping: Keeping, way: Way = { dryRun: false }): Pruning {
  const tracks = passesOf(keeping).map(
    (pass): Track => ({ pass, single: beginning, batch: beginning, under: undefined }),
  );
  let left = [...tracks];
  return {
    async step() {
      for (let [track] = left; track !== undefined; [track] = left) {
        const { pass } = track;
        const rows = await nextPage(ledger, track);
        if (rows !== undefined) return { ...nothingRemoved, ...(await pass.act(ledger, rows, way)) };
        const swept = { ...nothingRemoved, ...(await pass.sweep?.(ledger, way)) };
        const hasSwept = swept.batches + swept.events + swept.deliveries > 0;
        if (!hasSwept || way.dryRun) {
          left.shift();
          if (pass.sweep !== undefined) Object.assign(track, { single: beginning, batch: beginning });
        }
        if (hasSwept) return swept;
      }
      left = [...tracks];
      return undefined;
    },
  };
}

/** What the pass has not seen yet, and moves it on: requests that came alone, then batch by batch. Undefined: it has seen all. */
async function nextPage(ledger: Ledger, track: Track): Promise<readonly EndedRequest[] | undefined> {
  const { ageMs } = track.pass;
  const singles = await endedSingles(ledger, ageMs, track.single, pageRows);
  if (singles.last !== undefined) {
    track.single = singles.last;
    return singles.rows;
  }
  const batch = track.under?.batch ?? (await nextEndedBatch(ledger, ageMs, track.batch));
  if (batch === undefined) return undefined;
  const lines = await endedLines(ledger, batch.id, track.under?.line ?? 0, pageRows);
  if (lines.last === undefined) {
    track.batch = batch;
    track.under = undefined;
  } else {
    track.under = { batch, line: lines.last };
  }
  return lines.rows;
}

/** Of a second, so that calls never wait for it. */
const budgetMs = 200;
const restMs = 60_000;

/**
 * For the reconciler's leader: a little at each look, and a minute of rest when nothing is left to do. Once a day it begins at
 * the beginning: a line that `batch retry` took out of its batch came where the passes had been already.
 */
export function openRetention(ledger: Ledger, keeping: Keeping): { look(): Promise<void> } {
  let pruning = openPruning(ledger, keeping);
  let openedAt = Date.now();
  let restUntil = keepsEverything(keeping) ? Number.POSITIVE_INFINITY : 0;
  return {
    async look() {
      const began = Date.now();
      while (Date.now() >= restUntil && Date.now() - began < budgetMs) {
        if ((await pruning.step()) !== undefined) continue;
        restUntil = Date.now() + restMs;
        if (Date.now() - openedAt < dayMs) continue;
        pruning = openPruning(ledger, keeping);
        openedAt = Date.now();
      }
    },
  };
}
