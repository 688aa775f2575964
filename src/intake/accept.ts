/**
 * Accepting orders: parse happened before, here they become durable rows, and interactive ones go into their lane at
 * once. Everything else is the feeder's: it orders the backlog fairly. The bell tells it that there is something new.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { smallestWindow } from "../feed/window.ts";
import { acceptRequests, type NewRequest } from "../ledger/accept.ts";
import { recallDispatched } from "../ledger/backlog.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Bell } from "../queue/bell.ts";
import { sideOf } from "../queue/lane-job.ts";
import type { Lanes } from "../queue/lanes.ts";
import { priorities } from "../request/priority.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { type Order, type Prepared, prepareOrder, type Refusal } from "./order.ts";

export interface Intake {
  /** Places orders; answers in their order. A refusal has stored nothing. Rejects when the ledger is away. */
  accept(orders: readonly Order[]): Promise<readonly Accepted[]>;
}

export type Accepted =
  | {
      readonly ok: true;
      readonly id: string /** False: this line or key was known already. */;
      readonly fresh: boolean;
    }
  | { readonly ok: false; readonly refusal: Refusal };

export interface IntakeDeps {
  readonly config: Config;
  readonly ledger: Ledger;
  readonly lanes: Lanes;
  readonly bell: Bell;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

export const openIntake = (deps: IntakeDeps): Intake => ({
  accept: async (orders) => {
    let committed = () => {};
    const commit = new Promise<void>((resolve) => {
      committed = resolve;
    });
    try {
      const prepared = orders.map((order) => prepareWithin(deps, order, commit));
      const direct = await directRoom(deps, prepared);
      const rows = prepared.flatMap((entry) => (entry.ok ? [born(entry.row, direct)] : []));
      const fresh = rows.length === 0 ? new Set<string>() : await acceptRequests(deps.ledger, rows);
      await dispatchDirect(
        deps,
        rows.filter((row) => fresh.has(row.id)),
      );
      deps.telemetry.count("accepted", {}, fresh.size);
      return prepared.map((entry) =>
        entry.ok
          ? { ok: true, id: entry.row.id, fresh: fresh.has(entry.row.id) }
          : { ok: false, refusal: entry.refusal },
      );
    } finally {
      committed();
    }
  },
});

/** Each request begins a trace of its own; its first span lasts until the commit. */
function prepareWithin(deps: IntakeDeps, order: Order, commit: Promise<void>): Prepared {
  let prepared: Prepared | undefined;
  const attributes = { "millrace.tenant": order.tenant, "gen_ai.request.model": order.body.model };
  void deps.telemetry.span("accept", { parent: order.traceparent, attributes }, async (span) => {
    const traceparent = span.traceparent ?? order.traceparent;
    prepared = prepareOrder(
      deps.config,
      traceparent === undefined ? order : { ...order, traceparent },
      deps.clock.now(),
    );
    if (!prepared.ok) span.fail(prepared.refusal.code, prepared.refusal.message);
    await commit;
  });
  if (prepared === undefined) throw new Error("telemetry.span must begin its work at once");
  return prepared;
}

interface Direct {
  /** To be born dispatched under. */
  readonly epoch: string;
  /** By lane: how many jobs producers may still add. */
  readonly room: Map<string, number>;
}

/** The other half of a lane's window is the feeder's, so that what is in the backlog is not kept out by what just comes. */
const producersWindow = smallestWindow / 2;
/** A Redis that stands still must not keep callers waiting: the feeder will see to it. */
const directPatienceMs = 1_000;

/** Undefined when nothing here is interactive, or Redis is away. */
async function directRoom(deps: IntakeDeps, prepared: readonly Prepared[]): Promise<Direct | undefined> {
  const rows = prepared.flatMap((entry) => (entry.ok ? [entry.row] : []));
  const lanes = [...new Set(rows.filter((row) => row.priority === priorities.interactive).map((row) => row.lane))];
  if (lanes.length === 0) return undefined;
  try {
    const looked = await within(
      directPatienceMs,
      Promise.all([deps.lanes.epoch(), Promise.all(lanes.map((lane) => deps.lanes.depth(lane, "express")))]),
    );
    if (looked === undefined) return undefined;
    const [epoch, depths] = looked;
    return { epoch, room: new Map(lanes.map((lane, at) => [lane, producersWindow - (depths[at]?.waiting ?? 0)])) };
  } catch {
    return undefined;
  }
}

async function within<Value>(ms: number, work: Promise<Value>): Promise<Value | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, undefined, { signal: over.signal, ref: false })]);
  } finally {
    over.abort();
  }
}

/** Interactive requests are born dispatched while their lane has room: a flood of them waits in the backlog as any other. */
function born(row: NewRequest, direct: Direct | undefined): NewRequest {
  const room = row.priority === priorities.interactive ? (direct?.room.get(row.lane) ?? 0) : 0;
  if (direct === undefined || room <= 0) return row;
  direct.room.set(row.lane, room - 1);
  return { ...row, dispatchEpoch: direct.epoch };
}

async function dispatchDirect(deps: IntakeDeps, rows: readonly NewRequest[]): Promise<void> {
  const direct = rows.filter((row) => row.dispatchEpoch !== undefined);
  const backlog = rows.filter((row) => row.dispatchEpoch === undefined);
  if (backlog.length > 0) deps.bell.ring([...new Set(backlog.map((row) => row.lane))]);
  if (direct.length === 0) return;
  try {
    await deps.lanes.add(
      direct.map((row) => ({
        lane: row.lane,
        side: sideOf(row.priority),
        model: row.model,
        priority: row.priority,
        requestId: row.id,
        dispatchNo: 1,
        tenant: row.tenant,
        ...(row.batchId === undefined ? {} : { batch: row.batchId }),
        ...(row.traceparent === undefined ? {} : { traceparent: row.traceparent }),
      })),
    );
  } catch {
    // Accepted is accepted: Redis may be away, the row is not. Some of the jobs may have been added; the fence decides.
    await recallDispatched(
      deps.ledger,
      direct.map((row) => row.id),
    );
  }
}
