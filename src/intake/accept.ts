/**
 * Accepting orders: parse happened before, here they become durable rows, and interactive ones go into their lane at
 * once. Everything else is the feeder's: it orders the backlog fairly. The bell tells it that there is something new.
 */
import type { Config } from "../config/config.ts";
import { smallestWindow } from "../feed/window.ts";
import {
  type AcceptRequests,
  acceptInGroups,
  acceptRequests,
  type NewRequest,
  withoutKnownKeys,
} from "../ledger/accept.ts";
import { acceptWhole, KeyDiffers } from "../ledger/accept-whole.ts";
import { recallDispatched } from "../ledger/backlog.ts";
import { type BatchView, batchByFingerprint, findOrOpenBatch, type NewBatch, openBatch } from "../ledger/batches.ts";
import { beginHosted, type HeldBatch } from "../ledger/hosted-lease.ts";
import { despiteDeadlocks } from "../ledger/interruption.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Ask, asksOf, type Full, openRoom, type Room, type Roomed } from "../ledger/open-counts.ts";
import type { Bell } from "../queue/bell.ts";
import { sideOf } from "../queue/lane-job.ts";
import type { Lanes } from "../queue/lanes.ts";
import { priorities } from "../request/priority.ts";
import type { Clock } from "../runtime/clock.ts";
import { known } from "../runtime/known.ts";
import { within } from "../runtime/within.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { type FullRefusal, fullRefusal } from "./full.ts";
import { type Here, openLocalCalls } from "./here.ts";
import { type Order, type Prepared, prepareOrder, type Refusal } from "./order.ts";

export interface Intake {
  /**
   * Places orders; answers in their order. A refusal has stored nothing, and a full backlog refuses all of them. Lines of a
   * batch are not counted against its bounds: their room was taken when the batch was opened. Rejects when the ledger is away.
   */
  accept(orders: readonly Order[]): Promise<readonly Accepted[]>;
  /** The same for a list of which nothing is stored when one of its idempotency keys came with another body before. */
  acceptWhole(orders: readonly Order[]): Promise<AcceptedWhole>;
  /** From now on this process calls itself for interactive requests that somebody waits for, where it can; ends with the call. */
  callHere(here: Here): () => void;
  /**
   * The batch of this fingerprint, opened in `accepting` and with room for all of its lines when there is none, or with
   * `startOver` in any case. Refused whole when there is no room for all.
   */
  openBatch(batch: NewBatch, startOver: boolean): Promise<OpenedBatch>;
  /** Takes room for the lines of a hosted batch and lets it begin. Refused whole when there is no room for all. */
  beginHosted(held: HeldBatch, tenant: string, lines: number): Promise<Begun>;
}

export type Begun =
  /** `mine`: false when somebody else has it now. */
  | { readonly ok: true; readonly mine: boolean }
  /** `ever`: whether so many lines fit at all. */
  | { readonly ok: false; readonly refusal: FullRefusal; readonly ever: boolean };

export type OpenedBatch =
  | { readonly ok: true; readonly batch: BatchView; readonly fresh: boolean }
  | { readonly ok: false; readonly refusal: FullRefusal };

export type Accepted =
  | {
      readonly ok: true;
      readonly id: string /** False: this line or key was known already. */;
      readonly fresh: boolean;
      readonly warning?: string;
      /** Its call is made here: see `callHere`. */
      readonly here?: ReturnType<Here["run"]>;
    }
  | { readonly ok: false; readonly refusal: Refusal | FullRefusal };

export type AcceptedWhole =
  | { readonly ok: true; readonly accepted: readonly Accepted[] }
  /** `differs`: place of the order whose key came with another body. */
  | { readonly ok: false; readonly differs: number };

export interface IntakeDeps {
  readonly config: Config;
  readonly ledger: Ledger;
  readonly lanes: Lanes;
  readonly bell: Bell;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

export const openIntake = (deps: IntakeDeps): Intake => {
  const room = openRoom(deps.ledger);
  const acceptMany = acceptInGroups(deps.ledger);
  const local = openLocalCalls(deps.lanes);
  const take = async (orders: readonly Order[], keep: Keep): Promise<readonly Accepted[]> => {
    let committed = () => {};
    const commit = new Promise<void>((resolve) => {
      committed = resolve;
    });
    try {
      const prepared = orders.map((order) => prepareWithin(deps, order, commit));
      const asked = prepared.flatMap((entry) => (entry.ok ? [entry.row] : []));
      const claimed = await local.claim(asked);
      const direct = await directRoom(deps, claimed);
      const rows = claimed.map((row) => born(row, direct));
      const storing = keep(rows);
      const called = local.run(rows, storing.then(idsOf, none), deps.clock.now());
      const stored = await storing;
      if (stored.ok) {
        await dispatchDirect(
          deps,
          rows.filter((row) => row.claim === undefined && stored.value.has(row.id)),
        );
        deps.telemetry.count("accepted", {}, stored.value.size);
      } else {
        turnAway(deps, stored.full, rows.length);
      }
      return prepared.map((entry) => {
        if (!entry.ok) return { ok: false, refusal: entry.refusal };
        if (!stored.ok) return { ok: false, refusal: fullRefusal(stored.full) };
        const { row, warning } = entry;
        return {
          ok: true,
          id: row.id,
          fresh: stored.value.has(row.id),
          ...(warning === undefined ? {} : { warning }),
          ...known({ here: stored.value.has(row.id) ? called.get(row.id) : undefined }),
        };
      });
    } finally {
      committed();
    }
  };
  return {
    callHere: local.offer,
    accept: (orders) => take(orders, (rows) => store(deps, room, acceptMany, rows)),
    acceptWhole: async (orders) => {
      const keep: Keep = async (rows) => {
        const asks = await roomFor(deps, rows);
        return despiteDeadlocks(() => room.take(asks, (sql) => acceptWhole({ sql }, rows)));
      };
      try {
        return { ok: true, accepted: await take(orders, keep) };
      } catch (error) {
        if (!(error instanceof KeyDiffers)) throw error;
        const { tenant, key } = error;
        return { ok: false, differs: orders.findIndex((one) => one.tenant === tenant && one.idempotencyKey === key) };
      }
    },
    openBatch: async (batch, startOver) => {
      // A batch that is there needs no room.
      const known = startOver ? undefined : await batchByFingerprint(deps.ledger, batch.tenant, batch.fingerprint);
      if (known !== undefined) return { ok: true, batch: known, fresh: false };
      const asks = asksOf(deps.config.backlog, new Map([[batch.tenant, batch.total]]));
      const opened = await room.take(asks, async (sql) =>
        startOver ? { batch: await openBatch({ sql }, batch), fresh: true } : findOrOpenBatch({ sql }, batch),
      );
      if (opened.ok) return { ok: true, ...opened.value };
      turnAway(deps, opened.full, batch.total);
      return { ok: false, refusal: fullRefusal(opened.full) };
    },
    beginHosted: async (held, tenant, lines) => {
      const asks = asksOf(deps.config.backlog, new Map([[tenant, lines]]));
      const begun = await room.take(asks, (sql) => beginHosted({ sql }, held, lines));
      if (begun.ok) return { ok: true, mine: begun.value };
      const { full } = begun;
      return { ok: false, refusal: fullRefusal(full), ever: full.asked <= full.most };
    },
  };
};

const none = (): ReadonlySet<string> => new Set();
const idsOf = (stored: Roomed<ReadonlySet<string>>): ReadonlySet<string> => (stored.ok ? stored.value : none());

const turnAway = ({ telemetry }: IntakeDeps, full: Full, count: number): void =>
  telemetry.count("turnedAway", { bound: full.tenant === undefined ? "fleet" : "tenant" }, count);

/** Stores rows: the ids of the new ones, or the bound that has no room for all. */
type Keep = (rows: readonly NewRequest[]) => Promise<Roomed<ReadonlySet<string>>>;

async function store(
  deps: IntakeDeps,
  room: Room,
  acceptMany: AcceptRequests,
  rows: readonly NewRequest[],
): Promise<Roomed<ReadonlySet<string>>> {
  if (rows.length === 0) return { ok: true, value: new Set() };
  const asks = await roomFor(deps, rows);
  if (asks.length === 0) return { ok: true, value: await acceptMany(rows) };
  return room.take(asks, (sql) => acceptRequests({ sql }, rows));
}

async function roomFor({ config, ledger }: IntakeDeps, rows: readonly NewRequest[]): Promise<readonly Ask[]> {
  const single = rows.filter((row) => row.batchId === undefined);
  const bounded = asksOf(config.backlog, byTenant(single)).length > 0;
  return bounded ? asksOf(config.backlog, byTenant(await withoutKnownKeys(ledger, single))) : [];
}

const byTenant = (rows: readonly NewRequest[]): ReadonlyMap<string, number> =>
  rows.reduce((counts, { tenant }) => counts.set(tenant, (counts.get(tenant) ?? 0) + 1), new Map<string, number>());

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
async function directRoom(deps: IntakeDeps, rows: readonly NewRequest[]): Promise<Direct | undefined> {
  const travelling = rows.filter((row) => row.priority === priorities.interactive && row.claim === undefined);
  const lanes = [...new Set(travelling.map((row) => row.lane))];
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

/** Interactive requests are born dispatched while their lane has room: a flood of them waits in the backlog as any other. */
function born(row: NewRequest, direct: Direct | undefined): NewRequest {
  const room = row.priority === priorities.interactive ? (direct?.room.get(row.lane) ?? 0) : 0;
  if (direct === undefined || room <= 0 || row.claim !== undefined) return row;
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
