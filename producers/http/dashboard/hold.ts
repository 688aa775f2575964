/** What holds a lane up, in words: the strongest reason there is. Pure. */
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import type { PoolStatus, Quota } from "../../../src/admission/pool-status.ts";
import type { LaneCensus } from "../../../src/ledger/lane-census.ts";
import { count, span } from "../../cli/amounts.ts";
import { modelOf, nextWords, stateWords } from "../../cli/circuit-words.ts";

/** Undefined is unknown. */
export interface LaneFacts {
  readonly counts: LaneCensus["counts"];
  /** Why an operator paused it. */
  readonly pause: { readonly reason: string | undefined } | undefined;
  readonly workers: number | undefined;
  readonly pool: PoolStatus | undefined;
  /** Of its deployments that are known. */
  readonly circuits: readonly CircuitStatus[];
}

export interface Standing {
  readonly state: "blocked" | "moving" | "slow" | "idle";
  readonly words: string;
}

/** Bulk work fills a limit to this share (admission/shape.ts keeps the rest for interactive requests), nearly. */
const nearly = 0.78;

export function standingOf(facts: LaneFacts): Standing {
  const { counts, pause, workers, pool, circuits } = facts;
  const waits = counts.queued + counts.dispatched + counts.waiting;
  if (pause !== undefined) return { state: "blocked", words: `paused${pause.reason ? `: ${pause.reason}` : ""}` };
  const shut = shutWords(circuits);
  if (waits + counts.running === 0) return atRest(facts, shut);
  if (workers === 0) return { state: "blocked", words: "no worker: start one with millrace up" };
  if (shut?.isAll === true) return { state: "blocked", words: shut.words };
  if (pool !== undefined && pool.pausedForMs > 0)
    return { state: "blocked", words: `the provider asked to wait ${span(pool.pausedForMs)}` };
  const limit = waits > 0 && pool !== undefined ? limitWords(pool) : undefined;
  if (limit !== undefined) return { state: "slow", words: limit };
  if (shut !== undefined) return { state: "slow", words: shut.words };
  if (counts.running > 0 || counts.dispatched > 0) return { state: "moving", words: "moving" };
  if (counts.waiting > 0 && counts.queued === 0)
    return { state: "slow", words: `${count(counts.waiting)} wait for their next try` };
  return { state: "moving", words: "is being fed" };
}

function atRest({ counts }: LaneFacts, shut: ShutWords | undefined): Standing {
  if (counts.held > 0) return { state: "blocked", words: `${count(counts.held)} held for a person` };
  return shut === undefined ? { state: "idle", words: "idle" } : { state: "slow", words: shut.words };
}

interface ShutWords {
  readonly words: string;
  readonly isAll: boolean;
}

/** Deployments that have neither been called nor changed say nothing about their lane. */
function shutWords(circuits: readonly CircuitStatus[]): ShutWords | undefined {
  const closed = circuits.filter(({ state }) => state !== "closed");
  const [first] = closed;
  if (first === undefined) return undefined;
  const where = first.wholeProvider ? first.provider : modelOf(first.deployment);
  const more = first.wholeProvider || closed.length === 1 ? "" : ` and ${closed.length - 1} more`;
  const used = circuits.filter((circuit) => circuit.state !== "closed" || circuit.calls > 0);
  return { words: `${where}${more} ${stateWords(first)}: ${nextWords(first)}`, isAll: used.length === closed.length };
}

/** The fullest limit, when it is nearly full. */
function limitWords(pool: PoolStatus): string | undefined {
  if (pool.concurrency !== undefined && pool.inFlight >= nearly * pool.concurrency)
    return `calls at once: ${count(pool.inFlight)} of ${count(pool.concurrency)}`;
  const [fullest] = [...pool.quotas].sort((one, other) => takenOf(other) - takenOf(one));
  if (fullest === undefined || takenOf(fullest) < nearly) return undefined;
  return `${dimensionWords[fullest.dimension]}: ${limitOf(fullest)}${fullest.cold ? ", started low" : ""}`;
}

const takenOf = ({ room, mostUsed }: Quota): number => (room === undefined ? 0 : mostUsed / room);

export const limitOf = ({ limit, per }: Quota): string =>
  limit === undefined ? "limit unknown" : `${count(limit)} a ${per}`;

export const dimensionWords: Readonly<Record<Quota["dimension"], string>> = {
  requests: "requests",
  inputTokens: "input tokens",
  outputTokens: "output tokens",
  tokens: "tokens",
  requestsPerDay: "requests of the day",
  tokensPerDay: "tokens of the day",
};
