/**
 * The feeder tops every lane's window up from the backlog, in fair order. Any number may run; one leads per lane. A lane
 * is looked at when its bell rings, when its window has drained, and every `idleLookMs` in any case. Each side of a lane
 * has room of its own: a full main side does not keep interactive requests waiting.
 */

import { openAdmission } from "../src/admission/admission.ts";
import { type Deficits, defaultFeedPolicy, feedOrder, type Placed } from "../src/feed/order.ts";
import { added, emptyWindow, observe, smallestWindow, type WindowState, windowSize } from "../src/feed/window.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import {
  type BacklogRow,
  backlogHeads,
  bringDue,
  lanesWithBacklog,
  markDispatched,
  recallDispatched,
} from "../src/ledger/backlog.ts";
import { standingInLanes } from "../src/ledger/diversion.ts";
import { pausedLanes } from "../src/ledger/toggles.ts";
import { listenToBell } from "../src/queue/bell.ts";
import { type Side, sideOf, sides } from "../src/queue/lane-job.ts";
import { openLeadership } from "../src/queue/leadership.ts";
import { priorities } from "../src/request/priority.ts";
import { type Loop, openLoop } from "../src/runtime/loop.ts";
import { openDiverter } from "./diverter.ts";

const idleLookMs = 500;
/** While a lane has a backlog it is looked at this often: a window holds seconds, so this is many looks per window. */
const busyLookMs = 50;

interface LaneMemory {
  readonly deficits: Deficits;
  /** By class: the tenant at which the last look at the backlog ended. */
  readonly after: Map<number, string>;
  /** Of the main side. */
  window: WindowState;
  /** Deployments that took nothing at the last look, and those that were slow to. */
  closed: ReadonlySet<string>;
  slow: ReadonlySet<string>;
}

const newMemory = (): LaneMemory => ({
  deficits: new Map(),
  after: new Map(),
  window: emptyWindow,
  closed: new Set(),
  slow: new Set(),
});

export function startFeeder(fleet: Fleet, onError: (error: unknown) => void): { stop(): Promise<void> } {
  const leadership = openLeadership(fleet.redisUrl);
  const admission = openAdmission(fleet.redisUrl);
  const diverter = openDiverter(fleet, admission);
  const memories = new Map<string, LaneMemory>();
  let lookedAt = 0;
  const loop: Loop = openLoop(() => look(), { onError, retryMs: 500 });
  const bell = listenToBell(fleet.redisUrl, () => loop.wake());

  async function look(): Promise<number> {
    const due = await bringDue(fleet.ledger);
    const paused = await pausedLanes(fleet.ledger);
    const lanes = (await lanesWithBacklog(fleet.ledger)).filter((lane) => !paused.has(lane));
    await divertStanding(paused);
    const full = await Promise.all(lanes.map((lane) => feedLane(lane)));
    if (full.some((left) => left)) return busyLookMs;
    return Math.min(idleLookMs, Math.max(busyLookMs, due.nextMs ?? idleLookMs));
  }

  /** What stands in a window behind a closed gate has no backlog that would be looked at. */
  async function divertStanding(paused: ReadonlySet<string>): Promise<void> {
    if (Date.now() - lookedAt < idleLookMs) return;
    lookedAt = Date.now();
    const lanes = [...fleet.config.catalog.pools.keys()].filter((lane) => !paused.has(lane));
    const standing = await standingInLanes(fleet.ledger, lanes);
    for (const lane of new Set(standing.map((one) => one.lane))) {
      const theirs = standing.filter((one) => one.lane === lane).map((one) => one.deployment);
      const { slow } = await diverter.survey(theirs);
      if (slow.size > 0 && (await leadership.leads(lane))) await diverter.divert(lane, slow);
    }
  }

  /** True when this process leads the lane, so that it must look again soon. */
  async function feedLane(lane: string): Promise<boolean> {
    if (!(await leadership.leads(lane))) return false;
    const memory = memories.get(lane) ?? newMemory();
    memories.set(lane, memory);
    const [main, express] = await Promise.all([fleet.lanes.depth(lane, "main"), fleet.lanes.depth(lane, "express")]);
    memory.window = observe(memory.window, { atMs: Date.now(), waiting: main.waiting });
    const size = windowSize(memory.window);
    const free = size - main.waiting;
    // Topping up by single jobs would cost a round trip each; wait until a fifth of the window is free.
    const room = { main: free < size / 5 ? 0 : free, express: Math.max(0, smallestWindow - express.waiting) };
    if (memory.slow.size > 0) {
      const { closed, slow } = await diverter.survey([...memory.slow]);
      memory.closed = closed;
      memory.slow = slow;
      if (slow.size > 0) await diverter.divert(lane, slow);
    }
    for (const side of sides) {
      if (room[side] === 0) continue;
      const dispatched = await dispatch(fleet, lane, side, await chooseOpen(lane, side, room[side], memory));
      if (side === "main") memory.window = added(memory.window, dispatched);
    }
    return true;
  }

  /** Rows whose deployment takes them; the others are seen to at the next look. */
  async function chooseOpen(lane: string, side: Side, room: number, memory: LaneMemory): Promise<Placed<BacklogRow>[]> {
    const placed = await choose(lane, side, room, memory);
    const { closed, slow } = await diverter.survey([...new Set(placed.map(({ row }) => row.deployment))]);
    memory.closed = new Set([...memory.closed, ...closed]);
    memory.slow = new Set([...memory.slow, ...slow]);
    return placed.filter(({ row }) => !closed.has(row.deployment));
  }

  async function choose(lane: string, side: Side, room: number, memory: LaneMemory): Promise<Placed<BacklogRow>[]> {
    const classes = Object.values(priorities).filter((priority) => sideOf(priority) === side);
    const { after, closed } = memory;
    const backlog = await backlogHeads(fleet.ledger, { lane, classes, room, after, blocked: [...closed] });
    for (const [priority, tenant] of backlog.after) memory.after.set(priority, tenant);
    return feedOrder(backlog.rows, room, memory.deficits, defaultFeedPolicy, backlog.heads);
  }

  return {
    async stop() {
      bell.close();
      await loop.stop();
      await leadership.resign();
      await admission.close();
    },
  };
}

/** Rows first, jobs second (invariant 1). Jobs that could not be added go back; added ones whose row went back find the fence shut. */
async function dispatch(
  fleet: Fleet,
  lane: string,
  side: Side,
  placed: readonly Placed<BacklogRow>[],
): Promise<number> {
  if (placed.length === 0) return 0;
  const epoch = await fleet.lanes.epoch();
  const moved = await markDispatched(
    fleet.ledger,
    placed.map(({ row }) => row.id),
    epoch,
  );
  const byId = new Map(moved.map((row) => [row.id, row]));
  const jobs = placed.flatMap(({ row, priority }) => {
    const dispatched = byId.get(row.id);
    return dispatched === undefined
      ? []
      : [
          {
            lane,
            side,
            model: dispatched.model,
            priority,
            requestId: row.id,
            dispatchNo: dispatched.dispatchNo,
            tenant: dispatched.tenant,
            ...(dispatched.batchId === undefined ? {} : { batch: dispatched.batchId }),
            ...(dispatched.traceparent === undefined ? {} : { traceparent: dispatched.traceparent }),
          },
        ];
  });
  try {
    await fleet.lanes.add(jobs);
  } catch (error) {
    await recallDispatched(
      fleet.ledger,
      moved.map((row) => row.id),
    );
    throw error;
  }
  fleet.telemetry.count("dispatched", { lane }, jobs.length);
  return jobs.length;
}
