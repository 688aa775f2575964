/** Pausing and resuming a lane: the ledger remembers it, for Redis may forget; BullMQ does it. */
import type { Fleet } from "../src/fleet/fleet.ts";
import { releaseHeld } from "../src/ledger/requests.ts";
import { pauseLane, resumeLane } from "../src/ledger/toggles.ts";

/** Nothing of the lane is started any more; calls under way end as they would. Doing it twice changes the reason only. */
export async function switchLaneOff(fleet: Fleet, lane: string, reason?: string): Promise<void> {
  await pauseLane(fleet.ledger, lane, reason);
  await fleet.lanes.pause(lane);
}

/** The lane goes on, and so do requests of it that were held. Returns how many those are. */
export async function switchLaneOn(fleet: Fleet, lane: string): Promise<number> {
  await resumeLane(fleet.ledger, lane);
  await fleet.lanes.resume(lane);
  const released = await releaseHeld(fleet.ledger, lane);
  fleet.bell.ring([lane]);
  return released;
}
