/**
 * A process that calls providers itself may call at once for what it accepts: the row is stored as claimed, in the same
 * commit, and the pipeline runs where the request arrived. Everything else about it is as for any other request.
 */
import type { NewRequest } from "../ledger/accept.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import type { Lanes } from "../queue/lanes.ts";
import { priorities } from "../request/priority.ts";
import type { Result } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { within } from "../runtime/within.ts";

export interface Here {
  /** A claim, with a slot kept for it, when this process would call for the row; undefined: the row travels. */
  claim(row: NewRequest): NonNullable<NewRequest["claim"]> | undefined;
  /**
   * Its answer, once that is recorded; undefined: it was not stored, goes on elsewhere, or ended without one. Leave for the
   * call may be asked for while the row is still being stored. Never rejects.
   */
  run(request: ClaimedRequest, stored: Promise<boolean>): Promise<AnswerHere | undefined>;
  /** It will not be run. */
  release(row: NewRequest): void;
}

export interface AnswerHere {
  readonly result: Result;
  /** Of the call that answered. */
  readonly usage: Usage;
}

/** What intake knows of such a process. */
export interface LocalCalls {
  /** Ends with the call of what it returns. */
  offer(here: Here): () => void;
  /** Gives claims to those rows that are to be called for here. */
  claim(rows: readonly NewRequest[]): Promise<readonly NewRequest[]>;
  /** Begins the calls of claimed rows, and ends those of rows that turn out not to be stored. `stored` must not reject. */
  run(
    rows: readonly NewRequest[],
    stored: Promise<ReadonlySet<string>>,
    nowMs: number,
  ): ReadonlyMap<string, CalledHere>;
}

type CalledHere = ReturnType<Here["run"]>;

/** A Redis that stands still must not keep callers waiting. */
const patienceMs = 1_000;

export function openLocalCalls(lanes: Pick<Lanes, "isFree">): LocalCalls {
  const isFree = lookAtLanes(lanes);
  let here: Here | undefined;
  /** By lease token: who gave it, and may have stopped taking more meanwhile. */
  const givers = new Map<string, Here>();
  return {
    offer(given) {
      here = given;
      return () => {
        if (here === given) here = undefined;
      };
    },
    async claim(rows) {
      const lanesAsked = new Set(rows.filter(isWaitedFor).map((row) => row.lane));
      if (here === undefined || lanesAsked.size === 0) return rows;
      const free = new Map<string, boolean>();
      for (const lane of lanesAsked) {
        free.set(lane, (await within(patienceMs, isFree(lane))) ?? false);
      }
      return rows.map((row) => {
        const claim = isWaitedFor(row) && free.get(row.lane) === true ? here?.claim(row) : undefined;
        if (here === undefined || claim === undefined) return row;
        givers.set(claim.leaseToken, here);
        return { ...row, claim };
      });
    },
    run(rows, stored, nowMs) {
      const called = new Map<string, CalledHere>();
      for (const row of rows) {
        const { leaseToken = "" } = row.claim ?? {};
        const giver = givers.get(leaseToken);
        givers.delete(leaseToken);
        if (giver === undefined) continue;
        const request = claimedFrom(row, leaseToken, new Date(nowMs));
        const isStored = stored.then((ids) => ids.has(row.id));
        // What may be there already asks for no leave before it is known to be new.
        const whenNew = async () => {
          if (await isStored) return giver.run(request, isStored);
          giver.release(row);
          return undefined;
        };
        called.set(row.id, row.idempotencyKey === undefined ? giver.run(request, isStored) : whenNew());
      }
      return called;
    },
  };
}

const isWaitedFor = ({ priority, replyWanted, batchId }: NewRequest): boolean =>
  priority === priorities.interactive && replyWanted === true && batchId === undefined;

/** Requests that come together share a look, and while they keep coming nobody waits for one. */
const lookMs = 10;
/** A look that is this old is still true enough for the order among people. */
const trueMs = 50;

/** Whether nobody of the interactive class waits in a lane, and it is not paused. */
function lookAtLanes(lanes: Pick<Lanes, "isFree">): (lane: string) => Promise<boolean> {
  const looks = new Map<string, { readonly atMs: number; readonly free: Promise<boolean> }>();
  const look = (lane: string, atMs: number, before?: Promise<boolean>): Promise<boolean> => {
    const free = lanes.isFree(lane, "express").catch(() => false);
    looks.set(lane, { atMs, free });
    return before ?? free;
  };
  return (lane) => {
    const now = performance.now();
    const known = looks.get(lane);
    if (known === undefined || now - known.atMs > trueMs) return look(lane, now);
    return now - known.atMs > lookMs ? look(lane, now, known.free) : known.free;
  };
}

const claimedFrom = (row: NewRequest, leaseToken: string, createdAt: Date): ClaimedRequest => ({
  id: row.id,
  leaseToken,
  tenant: row.tenant,
  batchId: row.batchId,
  model: row.model,
  deployment: row.deployment,
  lane: row.lane,
  priority: row.priority,
  dispatchNo: 1,
  attemptsSpent: 0,
  attemptsSpentHere: 0,
  schemaMisses: 0,
  passedOver: [],
  estInputTokens: row.estInputTokens,
  estOutputTokens: row.estOutputTokens,
  deadline: row.deadline,
  traceparent: row.traceparent,
  replyWanted: row.replyWanted ?? false,
  createdAt,
  body: row.body,
});
