/**
 * The feeder tops every lane's window up from the backlog, in fair order. Any number may run; one leads per lane. A lane
 * is looked at when its bell rings, when its window has drained, and every `idleLookMs` in any case.
 */

import { type Deficits, feedOrder, type Placed } from "../src/feed/order.ts";
import { emptyWindow, observe, type WindowState, windowSize } from "../src/feed/window.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import {
  type BacklogRow,
  backlogHeads,
  bringDue,
  lanesWithBacklog,
  markDispatched,
  recallDispatched,
} from "../src/ledger/backlog.ts";
import { pausedLanes } from "../src/ledger/toggles.ts";
import { listenToBell } from "../src/queue/bell.ts";
import { sideOf } from "../src/queue/lane-job.ts";
import { openLeadership } from "../src/queue/leadership.ts";
import { type Loop, openLoop } from "../src/runtime/loop.ts";

const idleLookMs = 500;
/** While a lane has a backlog it is looked at this often: a window holds seconds, so this is many looks per window. */
const busyLookMs = 50;

interface LaneMemory {
  readonly deficits: Deficits;
  /** (class, tenant) pairs seen at the last look: how many rows of each to fetch at the next. */
  queues: number;
  window: WindowState;
  dispatchedSince: number;
}

export function startFeeder(fleet: Fleet, onError: (error: unknown) => void): { stop(): Promise<void> } {
  const leadership = openLeadership(fleet.redisUrl);
  const memories = new Map<string, LaneMemory>();
  const loop: Loop = openLoop(() => look(), { onError, retryMs: 500 });
  const bell = listenToBell(fleet.redisUrl, () => loop.wake());

  async function look(): Promise<number> {
    const due = await bringDue(fleet.ledger);
    const paused = await pausedLanes(fleet.ledger);
    const lanes = (await lanesWithBacklog(fleet.ledger)).filter((lane) => !paused.has(lane));
    const full = await Promise.all(lanes.map((lane) => feedLane(lane)));
    if (full.some((left) => left)) return busyLookMs;
    return Math.min(idleLookMs, Math.max(busyLookMs, due.nextMs ?? idleLookMs));
  }

  /** True when this process leads the lane, so that it must look again soon. */
  async function feedLane(lane: string): Promise<boolean> {
    if (!(await leadership.leads(lane))) return false;
    const memory = memories.get(lane) ?? { deficits: new Map(), queues: 1, window: emptyWindow, dispatchedSince: 0 };
    memories.set(lane, memory);
    const depth = await fleet.lanes.depth(lane, "main");
    memory.window = observe(memory.window, {
      atMs: Date.now(),
      waiting: depth.waiting,
      dispatchedSince: memory.dispatchedSince,
    });
    const room = windowSize(memory.window) - depth.waiting;
    // Topping up by single jobs would cost a round trip each; wait until a fifth of the window is free.
    if (room < windowSize(memory.window) / 5) {
      memory.dispatchedSince = 0;
      return true;
    }
    // Twice the even share: enough when tenants differ, and the cost follows the room, not room × tenants.
    const rows = await backlogHeads(fleet.ledger, lane, Math.ceil((2 * room) / memory.queues));
    memory.queues = Math.max(1, new Set(rows.map((row) => `${row.priority} ${row.tenant}`)).size);
    const placed = feedOrder(rows, room, memory.deficits);
    memory.dispatchedSince = await dispatch(fleet, lane, placed);
    memory.window = {
      ...memory.window,
      last: { atMs: Date.now(), waiting: depth.waiting, dispatchedSince: memory.dispatchedSince },
    };
    return true;
  }

  return {
    async stop() {
      bell.close();
      await loop.stop();
      await leadership.resign();
    },
  };
}

/** Rows first, jobs second (invariant 1). Jobs that could not be added go back; added ones whose row went back find the fence shut. */
async function dispatch(fleet: Fleet, lane: string, placed: readonly Placed<BacklogRow>[]): Promise<number> {
  const priorities = new Map(placed.map(({ row, priority }) => [row.id, priority]));
  const epoch = await fleet.lanes.epoch();
  const moved = await markDispatched(
    fleet.ledger,
    placed.map(({ row }) => row.id),
    epoch,
  );
  const byId = new Map(moved.map((row) => [row.id, row]));
  const jobs = placed.flatMap(({ row }) => {
    const dispatched = byId.get(row.id);
    return dispatched === undefined
      ? []
      : [
          {
            lane,
            side: sideOf(row.priority),
            model: dispatched.model,
            priority: priorities.get(row.id) ?? 3,
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
