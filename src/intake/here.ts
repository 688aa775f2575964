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
  /** The row is durable. Its answer, once that is recorded; undefined: it goes on elsewhere, or ended without one. Never rejects. */
  run(request: ClaimedRequest): Promise<AnswerHere | undefined>;
  /** It was not stored. */
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
  /** Begins the calls of claimed rows that were stored, and gives up the claims of the others. */
  run(rows: readonly NewRequest[], stored: ReadonlySet<string>, nowMs: number): ReadonlyMap<string, CalledHere>;
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
      const able = rows.filter((row) => row.priority === priorities.interactive && row.replyWanted && !row.batchId);
      if (here === undefined || able.length === 0) return rows;
      const free = new Map<string, boolean>();
      for (const lane of new Set(able.map((row) => row.lane))) {
        free.set(lane, (await within(patienceMs, isFree(lane))) ?? false);
      }
      return rows.map((row) => {
        const claim = able.includes(row) && free.get(row.lane) === true ? here?.claim(row) : undefined;
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
        if (stored.has(row.id) && giver) called.set(row.id, giver.run(claimedFrom(row, leaseToken, new Date(nowMs))));
        else giver?.release(row);
      }
      return called;
    },
  };
}

/** Requests that come together share a look: one that is this old is still true enough for the order among people. */
const lookMs = 10;

/** Whether nobody of the interactive class waits in a lane, and it is not paused. */
function lookAtLanes(lanes: Pick<Lanes, "isFree">): (lane: string) => Promise<boolean> {
  const looks = new Map<string, { readonly until: number; readonly free: Promise<boolean> }>();
  return (lane) => {
    const now = performance.now();
    const known = looks.get(lane);
    if (known !== undefined && known.until > now) return known.free;
    const free = lanes.isFree(lane, "express").catch(() => false);
    looks.set(lane, { until: now + lookMs, free });
    return free;
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
