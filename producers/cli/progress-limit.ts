/** What limits a batch now, from what the ledger and the lanes know. Pure. */
import { count, span } from "./amounts.ts";

/** One lane in which the batch has open requests. */
export interface LaneFacts {
  readonly lane: string;
  /** Open requests of the batch, about. */
  readonly open: number;
  /** Processes that serve the lane, or undefined when Redis does not say. */
  readonly workers: number | undefined;
  /** Calls that one of them makes at once. */
  readonly slotsPerWorker: number;
  readonly paused: boolean;
  /** Until the lane's limiter lets the next call go; 0 when it is open. */
  readonly closedForMs: number;
  /** The pool's limits; undefined when the settings no longer know it. */
  readonly limits: { readonly requestsPerMinute: number; readonly concurrency: number } | undefined;
  /** Calls a minute and calls under way, of the whole fleet. */
  readonly callsPerMinute: number;
  readonly running: number;
  /** Of the batch: what waits after which failure, and what waits for a person. */
  readonly waiting: readonly { readonly reason: string; readonly count: number; readonly nextMs: number }[];
  readonly held: readonly { readonly reason: string; readonly count: number }[];
}

/** Above this share of a limit, the limit is what holds the lane. Admission keeps a tenth for bursts. */
const nearly = 0.8;

/** In one line each, the lane with the most open requests first. */
export function limitsNow(lanes: readonly LaneFacts[], most = 3): readonly string[] {
  const unserved = lanes.filter((facts) => facts.workers === 0).map((facts) => facts.lane);
  if (unserved.length > 0) return [`no worker for ${unserved.join(", ")}: start one with \`millrace up\``];
  const found = [...lanes].sort((a, b) => b.open - a.open).flatMap((lane) => limitOf(lane) ?? []);
  if (found.length > 0) return found.slice(0, most);
  return lanes.some((lane) => lane.running > 0) ? ["the providers' own answering time"] : [];
}

function limitOf(facts: LaneFacts): string | undefined {
  const { lane, limits } = facts;
  if (facts.paused) return `${lane} is paused: \`millrace queue resume ${lane}\``;
  const held = facts.held[0];
  if (held !== undefined) return `${count(held.count)} held in ${lane} for a person: ${held.reason}`;
  if (limits !== undefined && (facts.closedForMs > 0 || facts.callsPerMinute >= nearly * limits.requestsPerMinute)) {
    return `requests/min of ${lane} (${count(limits.requestsPerMinute)}/min)`;
  }
  if (limits !== undefined && facts.running >= limits.concurrency * nearly) {
    return `concurrent calls of ${lane} (${count(limits.concurrency)} at once)`;
  }
  const slots = facts.workers === undefined ? undefined : facts.workers * facts.slotsPerWorker;
  if (slots !== undefined && facts.running >= slots * nearly) {
    return `the slots of ${lane}'s workers (${count(slots)}): start another with \`millrace worker\``;
  }
  const waiting = [...facts.waiting].sort((a, b) => b.count - a.count)[0];
  // Some lines in a back-off hold nothing up while others run.
  if (waiting !== undefined && facts.running === 0) {
    const next = waiting.nextMs > 0 ? `, next in ${span(waiting.nextMs)}` : "";
    return `${count(waiting.count)} wait after "${waiting.reason}" of ${lane}${next}`;
  }
  return undefined;
}
