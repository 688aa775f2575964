/** Lanes where something is going on. Pure. */
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import { type LaneCensus, type OpenState, openStates } from "../../../src/ledger/lane-census.ts";
import type { SwitchedOff } from "../../../src/ledger/toggles.ts";
import { standingOf } from "./hold.ts";
import type { LedgerFacts } from "./ledger-facts.ts";
import type { CountJson, LaneJson, OpenJson } from "./look-json.ts";
import type { MinuteUse } from "./pool-gauges.ts";
import type { RedisFacts } from "./redis-facts.ts";

export interface LaneQuestion {
  readonly census: readonly LaneCensus[];
  readonly pauses: readonly SwitchedOff[];
  readonly redis?: RedisFacts;
  readonly uses: ReadonlyMap<string, MinuteUse>;
  /** Lanes of which a call ended in the last minutes. */
  readonly wereBusy: ReadonlySet<string>;
  readonly circuitsOf: (lane: string) => readonly CircuitStatus[];
}

export function laneRows(question: LaneQuestion): LaneJson[] {
  const { census, pauses, redis } = question;
  const shown = census.filter(
    ({ lane, counts }) =>
      openOf(counts) > 0 ||
      question.wereBusy.has(lane) ||
      pauses.some(({ target }) => target === lane) ||
      (redis?.windows.get(lane) ?? 0) > 0 ||
      question.circuitsOf(lane).some(({ state, wholeProvider }) => state !== "closed" && !wholeProvider),
  );
  return shown.map((lane) => rowOf(lane, question)).sort(byWeight);
}

function rowOf(entry: LaneCensus, { pauses, redis, uses, circuitsOf }: LaneQuestion): LaneJson {
  const { lane, counts, oldestMs } = entry;
  const pause = pauses.find(({ target }) => target === lane);
  return {
    lane,
    backlog: bounded(entry, ["queued", "waiting", "held"]),
    window: redis?.windows.get(lane) ?? null,
    running: bounded(entry, ["running"]),
    oldestMs: oldestMs ?? null,
    callsPerMinute: Math.round(uses.get(lane)?.requests ?? 0),
    ...standingOf({
      counts,
      pause,
      workers: redis?.workers.get(lane),
      pool: redis?.pools.get(lane),
      circuits: circuitsOf(lane),
    }),
  };
}

const weights: Readonly<Record<LaneJson["state"], number>> = { blocked: 0, slow: 1, moving: 2, idle: 3 };

const byWeight = (one: LaneJson, other: LaneJson): number =>
  weights[one.state] - weights[other.state] || other.backlog.n - one.backlog.n || one.lane.localeCompare(other.lane);

export function openJson(census: readonly LaneCensus[], inFleet: LedgerFacts["inFleet"], nowMs: number): OpenJson {
  const sum = (states: readonly OpenState[]): CountJson =>
    census
      .map((entry) => bounded(entry, states))
      .reduce((all, one) => ({ n: all.n + one.n, atLeast: all.atLeast || one.atLeast }), { n: 0, atLeast: false });
  const all = sum(openStates);
  const atMost = all.atLeast ? inFleet : undefined;
  return {
    all,
    running: sum(["running"]),
    held: sum(["held"]),
    atMost: atMost?.open ?? null,
    countedAgoMs: atMost === undefined ? null : Math.max(0, nowMs - atMost.countedAt.getTime()),
  };
}

function bounded({ counts, cut }: LaneCensus, states: readonly OpenState[]): CountJson {
  return {
    n: states.reduce((sum, state) => sum + counts[state], 0),
    atLeast: states.some((state) => cut.includes(state)),
  };
}

const openOf = (counts: LaneCensus["counts"]): number => openStates.reduce((sum, state) => sum + counts[state], 0);
