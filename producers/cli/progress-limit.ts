/** What limits a batch now, from what the ledger and the lanes know. Pure. */
import { count, span } from "./amounts.ts";

/** One lane in which the batch has open requests. */
export interface LaneFacts {
  readonly lane: string;
  /** Open requests of the batch, about. */
  readonly open: number;
  /** Processes that serve the lane, or undefined when Redis does not answer. */
  readonly workers: number | undefined;
  /** Calls that one of them makes at once. */
  readonly slotsPerWorker: number;
  readonly paused: boolean;
  /** Deployments of the lane that take no calls, or their whole provider, and why. */
  readonly closures: readonly { readonly target: string; readonly state: string; readonly reason: string }[];
  /** Until the lane's limiter lets the next call go; 0 when it is open. */
  readonly closedForMs: number;
  /** The pool's limits, each undefined where it is not known; undefined when the settings no longer know the pool. */
  readonly limits:
    | { readonly requestsPerMinute: number | undefined; readonly concurrency: number | undefined }
    | undefined;
  /** Calls a minute and calls under way, of the whole fleet. */
  readonly callsPerMinute: number;
  readonly running: number;
  /** Of the batch: what waits after which failure, and what waits for a person. */
  readonly waiting: readonly { readonly reason: string; readonly count: number; readonly nextMs: number }[];
  readonly held: readonly { readonly reason: string; readonly count: number }[];
}

/** Above this share of a limit, the limit is what holds the lane. */
const nearly = 0.8;

/** The strongest reasons, those of the lanes with the most open requests first; lanes with the same reason share it. */
export function limitsNow(lanes: readonly LaneFacts[], most = 3): readonly string[] {
  const unserved = lanes.filter((facts) => facts.workers === 0).map((facts) => facts.lane);
  if (unserved.length > 0) return [`no worker for ${unserved.join(", ")}: start one with \`millrace up\``];
  const byReason = new Map<string, string[]>();
  for (const facts of [...lanes].sort((a, b) => b.open - a.open)) {
    const limit = limitOf(facts);
    if (limit !== undefined) byReason.set(limit.reason, [...(byReason.get(limit.reason) ?? []), limit.of]);
  }
  if (byReason.size > 0) return [...byReason].slice(0, most).map(([reason, of]) => `${reason} ${of.join(", ")}`);
  return lanes.some((lane) => lane.running > 0) ? ["the providers' own answering time"] : [];
}

interface Limit {
  readonly reason: string;
  readonly of: string;
}

function limitOf(facts: LaneFacts): Limit | undefined {
  const { lane } = facts;
  const { requestsPerMinute, concurrency } = facts.limits ?? {};
  if (facts.workers === undefined) return { reason: "Redis, which does not answer, for", of: lane };
  if (facts.paused) return { reason: "a pause (`millrace queue resume`) of", of: lane };
  const closure = facts.closures[0];
  if (closure !== undefined) {
    const { target, state, reason } = closure;
    return { reason: "a circuit (`millrace provider circuit status`):", of: `${target} ${state} (${reason})` };
  }
  const held = facts.held[0];
  if (held !== undefined)
    return { reason: "a hold for a person:", of: `${count(held.count)} in ${lane}, ${held.reason}` };
  if (
    requestsPerMinute !== undefined &&
    (facts.closedForMs > 0 || facts.callsPerMinute >= nearly * requestsPerMinute)
  ) {
    return { reason: "requests/min of", of: `${lane} (${count(requestsPerMinute)})` };
  }
  if (facts.limits !== undefined && facts.closedForMs > 0)
    return { reason: "a limit that is still learned, of", of: lane };
  if (concurrency !== undefined && facts.running >= concurrency * nearly) {
    return { reason: "concurrent calls of", of: `${lane} (${count(concurrency)})` };
  }
  const slots = facts.workers * facts.slotsPerWorker;
  if (facts.running >= slots * nearly) {
    return { reason: "worker slots (`millrace worker` adds some) of", of: `${lane} (${count(slots)})` };
  }
  const waiting = [...facts.waiting].sort((a, b) => b.count - a.count)[0];
  // Some lines in a back-off hold nothing up while others run.
  if (waiting !== undefined && facts.running === 0) {
    const next = waiting.nextMs > 0 ? `, next in ${span(waiting.nextMs)}` : "";
    return {
      reason: "a wait after failures of",
      of: `${lane} (${count(waiting.count)} after "${waiting.reason}"${next})`,
    };
  }
  return undefined;
}
