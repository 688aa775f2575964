/** One look at the whole fleet, as the page is told it. A service that is away leaves its part unknown and the rest as it is. */
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import type { PoolStatus } from "../../../src/admission/pool-status.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { LaneCensus } from "../../../src/ledger/lane-census.ts";
import { providersWithKey } from "../../cli/keys.ts";
import { awayWords } from "../../cli/patience.ts";
import { catalogueDeployments } from "../../deployments.ts";
import { withPatience } from "../errors.ts";
import { once } from "../once.ts";
import { openBatchRows } from "./batch-rows.ts";
import { circuitEventRows, circuitRows } from "./circuit-rows.ts";
import { laneRows, openJson } from "./lane-rows.ts";
import { type LedgerFacts, openLedgerFacts, readAtMost } from "./ledger-facts.ts";
import type { LookJson } from "./look-json.ts";
import { poolJson } from "./pool-gauges.ts";
import { openRedisLook, type RedisFacts } from "./redis-facts.ts";
import { dayCost, failureJson, hourJson, minuteJson, minuteUses, modelJson, slotsJson } from "./traffic-rows.ts";

export interface Looker {
  look(): Promise<LookJson>;
  close(): void;
}

const mostModels = 10;

export function openLooker(fleet: Fleet): Looker {
  // A look that is slow is joined, not repeated.
  const ledgerFacts = once(openLedgerFacts(fleet));
  const redis = openRedisLook(fleet);
  const batchRows = openBatchRows();
  const catalogued = catalogueDeployments(fleet.config.catalog).map(({ id }) => id);

  async function look(): Promise<LookJson> {
    const ledger = await settled(withPatience(ledgerFacts()), "Postgres does not answer");
    const question = {
      busyLanes: ledger.ok ? ledger.value.census.filter(isBusy).map(({ lane }) => lane) : [],
      deployments: [...new Set([...catalogued, ...(ledger.ok ? seenIn(ledger.value) : [])])],
    };
    const known = await settled(withPatience(redis.facts(question)), "Redis does not answer");
    const trouble = [ledger, known].flatMap((part) => (part.ok ? [] : [part.reason]));
    return {
      atMs: Date.now(),
      trouble,
      ready: providersWithKey(fleet),
      ...fleetPart(fleet, ledger.ok ? ledger.value : undefined, known.ok ? known.value : undefined),
      ...ledgerPart(ledger.ok ? ledger.value : undefined),
    };
  }

  function ledgerPart(facts: LedgerFacts | undefined) {
    if (facts === undefined) return unknownLedger;
    const nowMs = facts.recent.nowMs;
    return {
      circuitEvents: circuitEventRows(facts.events, nowMs),
      batches: batchRows(facts.batches, nowMs),
      minute: minuteJson(facts.recent),
      slots: slotsJson(facts.recent),
      hours: facts.hours.map(hourJson),
      dayCost: dayCost(facts.hours),
      models: facts.models.slice(0, mostModels).map(modelJson),
      failures: facts.failures.map((line) => failureJson(line, nowMs)),
    };
  }

  return { look, close: () => redis.close() };
}

const unknownLedger = {
  circuitEvents: null,
  batches: null,
  minute: null,
  slots: null,
  hours: null,
  dayCost: null,
  models: null,
  failures: null,
};

function fleetPart(fleet: Fleet, ledger: LedgerFacts | undefined, redis: RedisFacts | undefined) {
  const { catalog } = fleet.config;
  const poolOf = (deployment: string) => catalog.deployment(deployment)?.pool;
  const circuits = ledger === undefined ? undefined : redis?.circuits;
  const uses = ledger && minuteUses(ledger.recent, poolOf);
  const lanes =
    ledger &&
    laneRows({
      ...ledger,
      ...(redis === undefined ? {} : { redis }),
      uses: uses ?? new Map(),
      circuitsOf: (lane) => (circuits ?? []).filter((circuit) => poolOf(circuit.deployment) === lane),
      wereBusy: new Set(ledger.recent.slots.flatMap(({ deployment }) => poolOf(deployment) ?? [])),
    });
  const shown =
    lanes?.map(({ lane }) => lane) ?? [...(redis?.pools.values() ?? [])].filter(isUsed).map(({ pool }) => pool);
  return {
    open: ledger === undefined ? null : openJson(ledger.census, ledger.inFleet, ledger.recent.nowMs),
    lanes: lanes ?? null,
    pools:
      redis === undefined
        ? null
        : shown.flatMap((lane) => {
            const pool = redis.pools.get(lane);
            return pool === undefined ? [] : [poolJson(pool, uses?.get(lane))];
          }),
    circuits: rowsOf(circuits, ledger),
  };
}

const rowsOf = (circuits: readonly CircuitStatus[] | undefined, ledger: LedgerFacts | undefined) =>
  circuits === undefined || ledger === undefined
    ? null
    : circuitRows(circuits, ledger.events, ledger.recent.nowMs, readAtMost.events);

const isUsed = ({ quotas, inFlight }: PoolStatus): boolean =>
  inFlight > 0 || quotas.some(({ mostUsed }) => mostUsed > 0);

/** Deployments that the catalogue need not name. */
const seenIn = ({ events, recent }: LedgerFacts): readonly string[] =>
  [...events, ...recent.slots].flatMap(({ deployment }) => deployment ?? []);

const isBusy = ({ counts }: LaneCensus): boolean => Object.values(counts).some((n) => n > 0);

type Settled<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string };

async function settled<Value>(part: Promise<Value>, silence: string): Promise<Settled<Value>> {
  try {
    return { ok: true, value: await part };
  } catch (error) {
    return { ok: false, reason: awayWords(error) ?? silence };
  }
}
