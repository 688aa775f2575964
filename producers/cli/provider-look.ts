/** What `provider health` finds: whether each provider answers, how its lanes and circuits stand, what was learned of it. */
import type { CircuitStatus } from "../../src/admission/circuit-status.ts";
import { openCircuits } from "../../src/admission/circuits.ts";
import { limitOf } from "../../src/config/pool.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { loadEstimates, type StoredEstimate } from "../../src/ledger/estimates.ts";
import { type LaneCensus, laneCensus } from "../../src/ledger/lane-census.ts";
import { limitReadings, type StoredReading } from "../../src/ledger/limit-readings.ts";
import { pausedLanes } from "../../src/ledger/toggles.ts";
import { circuitsOf } from "./circuit-look.ts";
import { type Headroom, headroomOf } from "./headroom.ts";
import { type Answer, askProvider } from "./provider-answer.ts";

export interface ProviderHealth {
  readonly provider: string;
  readonly baseUrl: string | undefined;
  readonly answer: Answer;
  readonly lanes: readonly LaneHealth[];
  /** Of every known deployment. */
  readonly circuits: readonly CircuitStatus[];
  readonly estimates: readonly StoredEstimate[];
  /** Of its lanes, where the provider has said what is left. */
  readonly headroom: readonly Headroom[];
}

export interface LaneHealth {
  readonly lane: string;
  /** Undefined: not known; learned from what the provider says and refuses. */
  readonly requestsPerMinute: number | undefined;
  readonly concurrency: number | undefined;
  readonly open: LaneCensus["counts"];
  readonly paused: boolean;
  readonly readings: readonly StoredReading[];
}

/** Asks all providers at once, for five seconds at most. */
export async function lookAtProviders(fleet: Fleet): Promise<ProviderHealth[]> {
  const pools = [...fleet.config.catalog.pools.values()];
  const providerIds = [...fleet.config.credentials.keys()];
  const [census, readings, paused, circuits, estimates] = await Promise.all([
    laneCensus(
      fleet.ledger,
      pools.map((pool) => pool.id),
    ),
    limitReadings(fleet.ledger),
    pausedLanes(fleet.ledger),
    lookAtCircuits(fleet, providerIds),
    loadEstimates(fleet.ledger),
  ]);
  return Promise.all(
    [...fleet.config.credentials].map(async ([provider, credential]) => ({
      provider,
      baseUrl: credential.baseUrl,
      answer: await askProvider(fleet.config, provider),
      lanes: census.flatMap(({ lane, counts }) => {
        const pool = fleet.config.catalog.pools.get(lane);
        if (pool?.provider !== provider) return [];
        const limits = { requestsPerMinute: limitOf(pool, "requests"), concurrency: pool.concurrency };
        const own = readings.filter((reading) => reading.pool === lane);
        return [{ lane, ...limits, open: counts, paused: paused.has(lane), readings: own }];
      }),
      circuits: circuits.filter((circuit) => circuit.provider === provider),
      estimates: estimates.filter((estimate) => estimate.provider === provider),
      headroom: headroomOf(
        readings.filter(({ pool }) => pools.find(({ id }) => id === pool)?.provider === provider),
        Date.now(),
      ),
    })),
  );
}

async function lookAtCircuits(fleet: Fleet, providerIds: readonly string[]): Promise<readonly CircuitStatus[]> {
  const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
  try {
    return await circuitsOf(fleet, circuits, providerIds);
  } finally {
    circuits.close();
  }
}

/** Unfinished requests of a lane. */
export const unfinishedIn = ({ open }: LaneHealth): number =>
  Object.values(open).reduce((sum, count) => sum + count, 0);
