/** Readings of the whole fleet for `/metrics`, taken when they are asked for. All of them are bounded queries. */
import { openCircuits } from "../../src/admission/circuits.ts";
import type { CircuitState } from "../../src/admission/permit.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type LaneCensus, laneCensus, openStates } from "../../src/ledger/lane-census.ts";
import { sides } from "../../src/queue/lane-job.ts";
import type { Observe } from "../../src/telemetry/metrics.ts";
import { catalogueDeployments } from "../deployments.ts";
import { once } from "./once.ts";

export interface FleetGauges {
  /** What is asked of them after that is told as unread. */
  close(): void;
}

/** Registers the fleet's gauges; counts from the ledger stop at `censusLimit`. */
export function observeFleet(fleet: Fleet, observe: Observe): FleetGauges {
  const lanes = [...fleet.config.catalog.pools.keys()];
  const census = once(() => laneCensus(fleet.ledger, lanes));

  observe("laneJobs", async () => {
    const places = lanes.flatMap((lane) => sides.map((side) => ({ lane, side })));
    const depths = await Promise.all(
      places.map(async (place) => ({ place, depth: await fleet.lanes.depth(place.lane, place.side) })),
    );
    return depths.flatMap(({ place, depth }) => [
      { value: depth.waiting, attributes: { ...place, state: "waiting" } },
      { value: depth.active, attributes: { ...place, state: "active" } },
    ]);
  });
  observe("requestsByState", async () => {
    const counted = await census();
    return openStates.map((state) => ({ value: sumOf(counted, state), attributes: { state } }));
  });
  observe("backlog", async () =>
    (await census()).map(({ lane, counts }) => ({ value: counts.queued, attributes: { lane } })),
  );
  observe("laneOldestMs", async () =>
    (await census()).flatMap(({ lane, oldestMs }) =>
      oldestMs === undefined ? [] : [{ value: oldestMs, attributes: { lane } }],
    ),
  );
  return observeCircuits(fleet, observe);
}

const stateValues: Readonly<Record<CircuitState, number>> = {
  closed: 0,
  "half-open": 1,
  open: 2,
  isolated: 3,
  "credential-off": 4,
};

/** Of the catalogue's deployments only: what callers name is not bounded. */
function observeCircuits(fleet: Fleet, observe: Observe): FleetGauges {
  const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
  const deployments = catalogueDeployments(fleet.config.catalog);
  const models = new Map(deployments.map(({ id, model }) => [id, model]));
  const providers = [...new Set(deployments.map(({ provider }) => provider))];
  observe("circuitState", async () => {
    const found = await Promise.all(
      providers.map((provider) =>
        circuits.status(
          provider,
          deployments.filter((deployment) => deployment.provider === provider).map(({ id }) => id),
        ),
      ),
    );
    return found.flat().map(({ provider, deployment, state }) => ({
      value: stateValues[state],
      attributes: { provider, model: models.get(deployment) },
    }));
  });
  return circuits;
}

const sumOf = (census: readonly LaneCensus[], state: (typeof openStates)[number]): number =>
  census.reduce((sum, { counts }) => sum + counts[state], 0);
