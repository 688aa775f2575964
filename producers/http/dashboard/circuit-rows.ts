/** Circuits that have something to tell, and what became of them within the last hour. Pure. */
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import type { CircuitEvent } from "../../../src/ledger/circuit-events.ts";
import { sinceOf } from "../../cli/circuit-look.ts";
import { nextWords, stateWords } from "../../cli/circuit-words.ts";
import type { CircuitEventJson, CircuitJson } from "./look-json.ts";

const historyMs = 3_600_000;
const mostShown = 24;

/** Those that are not closed come first; `events` newest first, `most` of them at the most. */
export function circuitRows(
  circuits: readonly CircuitStatus[],
  events: readonly CircuitEvent[],
  nowMs: number,
  most: number,
): CircuitJson[] {
  const knownFromMs = events.length < most ? 0 : (events.at(-1)?.at.getTime() ?? 0);
  return circuits
    .map((status) => {
      const history = historyOf(status, events, nowMs, knownFromMs);
      return { status, history, isBad: status.state !== "closed" };
    })
    .filter(({ status, history, isBad }) => isBad || status.calls > 0 || history.length > 1)
    .sort((one, other) => Number(other.isBad) - Number(one.isBad) || other.status.calls - one.status.calls)
    .slice(0, mostShown)
    .map(({ status, history, isBad }) => ({
      deployment: status.deployment,
      state: stateWords(status),
      isBad,
      sinceMs: status.sinceMs ?? sinceOf(status, events, nowMs) ?? null,
      reason: status.reason ?? null,
      next: nextWords(status),
      calls: status.calls,
      failures: status.failures,
      history,
    }));
}

/** Of its own circuit, or of the whole provider while that decides. */
function historyOf(
  status: CircuitStatus,
  events: readonly CircuitEvent[],
  nowMs: number,
  knownFromMs: number,
): CircuitJson["history"] {
  const begunMs = nowMs - historyMs;
  const own = events
    .filter(
      ({ provider, deployment, at }) =>
        provider === status.provider &&
        deployment === (status.wholeProvider ? undefined : status.deployment) &&
        at.getTime() > begunMs,
    )
    .reverse();
  const before = own[0]?.fromState ?? status.state;
  const start =
    knownFromMs <= begunMs ? [{ fromMs: begunMs, state: before }] : unknownUntil(begunMs, knownFromMs, before);
  return [...start, ...own.map(({ at, toState }) => ({ fromMs: at.getTime(), state: toState }))];
}

const unknownUntil = (begunMs: number, knownFromMs: number, state: string) => [
  { fromMs: begunMs, state: null },
  { fromMs: knownFromMs, state },
];

export const circuitEventRows = (events: readonly CircuitEvent[], nowMs: number): CircuitEventJson[] =>
  events.slice(0, 12).map(({ id, at, provider, deployment, fromState, toState, reason, by }) => ({
    id,
    agoMs: Math.max(0, nowMs - at.getTime()),
    target: deployment ?? provider,
    from: fromState,
    to: toState,
    reason,
    by,
  }));
