/** Readings of the whole fleet for `/metrics`, taken when they are asked for. All of them are bounded queries. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type LaneCensus, laneCensus, openStates } from "../../src/ledger/lane-census.ts";
import { sides } from "../../src/queue/lane-job.ts";
import type { Observe } from "../../src/telemetry/metrics.ts";

/** Registers the fleet's gauges; counts from the ledger stop at `censusLimit`. */
export function observeFleet(fleet: Fleet, observe: Observe): void {
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
}

const sumOf = (census: readonly LaneCensus[], state: (typeof openStates)[number]): number =>
  census.reduce((sum, { counts }) => sum + counts[state], 0);

/** Gauges of one scrape are read at the same moment and share the reading that is under way. */
function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let reading: Promise<Value> | undefined;
  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}
