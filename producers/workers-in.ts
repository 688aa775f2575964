/** Who serves lanes: the same for the command line and for HTTP. */
import type { Fleet } from "../src/fleet/fleet.ts";

/** Processes that serve a lane. */
export type Workers = (lane: string) => number;

/** Undefined while Redis is away, or does not say. */
export const workersIn = (fleet: Pick<Fleet, "lanes">): Promise<Workers | undefined> =>
  fleet.lanes.workers().then(
    (found) => (lane: string) => found.get(lane) ?? 0,
    () => undefined,
  );
