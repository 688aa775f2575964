/**
 * Rows and jobs compared: a dispatched row has its job in a lane, and a job in a lane has its row. They part when a job is
 * removed by hand or never arrives, and when a row moves on: cancelled, diverted, recalled, ended. Each look is bounded;
 * what it leaves is seen to by a later one.
 */
import type { Fleet } from "../src/fleet/fleet.ts";
import { recallDispatched } from "../src/ledger/backlog.ts";
import { dispatchNumbers, lanesWithDispatched, oldDispatched } from "../src/ledger/rescue.ts";
import { type Side, sideOf, sides } from "../src/queue/lane-job.ts";

export interface JobCheck {
  /** Sends dispatched rows without a job back to the backlog; returns how many. */
  recallMissing(): Promise<number>;
  /** Takes jobs out of lanes that mean nothing any more; returns how many. A paused lane would keep them. */
  removeStray(): Promise<number>;
}

/** A job may take this long from the commit of its row to the lane; younger rows are not looked for. */
const usualGraceMs = 10_000;
/** Jobs of one side of a lane at one look. */
const atOnce = 1_000;

export function openJobCheck(
  { config, ledger, lanes }: Pick<Fleet, "config" | "ledger" | "lanes">,
  graceMs = usualGraceMs,
): JobCheck {
  const pools = [...config.catalog.pools.keys()];
  /** By side of a lane: where the next look begins. */
  const seenUpTo = new Map<string, number>();

  /** A row is dispatched before its job is added, and its number only grows: read after the job, it has the last word. */
  async function removeStrayFrom(lane: string, side: Side): Promise<number> {
    const place = `${lane} ${side}`;
    const from = seenUpTo.get(place) ?? 0;
    const jobs = await lanes.waiting(lane, side, from, atOnce);
    const numbers = await dispatchNumbers(ledger, [...new Set(jobs.map((job) => job.requestId))]);
    const stray = jobs.filter((job) => numbers.get(job.requestId) !== job.dispatchNo);
    await Promise.all(stray.map((job) => lanes.remove(lane, job)));
    seenUpTo.set(place, jobs.length < atOnce ? 0 : from + jobs.length - stray.length);
    return stray.length;
  }

  return {
    async recallMissing() {
      let recalled = 0;
      for (const lane of await lanesWithDispatched(ledger)) {
        const rows = await oldDispatched(ledger, lane, graceMs);
        if (rows.length === 0) continue;
        const missing = await lanes.missing(
          lane,
          rows.map((row) => ({ ...row, side: sideOf(row.priority) })),
        );
        recalled += await recallDispatched(ledger, missing);
      }
      return recalled;
    },
    async removeStray() {
      // At once: most lanes are empty, and there may be hundreds.
      const looks = pools.flatMap((lane) => sides.map((side) => removeStrayFrom(lane, side)));
      return (await Promise.all(looks)).reduce((sum, removed) => sum + removed, 0);
    },
  };
}
