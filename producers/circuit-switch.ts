/** Isolating and resetting a provider or a deployment: the ledger remembers it, for Redis may forget; the gate does it. */
import type { CircuitStatus } from "../src/admission/circuit-status.ts";
import type { Circuits, TargetChange } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { releaseHeld } from "../src/ledger/requests.ts";
import { isolateTarget, unisolateTarget } from "../src/ledger/toggles.ts";
import { tellCircuitChange } from "../workers/circuit-news.ts";

/** No call to it starts any more. Doing it twice changes the reason only. */
export async function switchCircuitOff(
  fleet: Fleet,
  circuits: Circuits,
  target: string,
  reason: string,
): Promise<readonly TargetChange[]> {
  await isolateTarget(fleet.ledger, target, reason);
  return told(fleet, await circuits.isolate(target, reason));
}

export interface SwitchedOn {
  readonly changes: readonly TargetChange[];
  /** Requests that were held because no call could go. */
  readonly released: number;
  /** How a deployment stands whose whole provider is closed off: its own reset lets nothing go. */
  readonly still: CircuitStatus | undefined;
}

/** Calls may go again, and so do requests that were held because they could not. */
export async function switchCircuitOn(fleet: Fleet, circuits: Circuits, target: string): Promise<SwitchedOn> {
  await unisolateTarget(fleet.ledger, target);
  const changes = await told(fleet, await circuits.reset(target));
  const still = await closedWithProvider(circuits, target);
  const lanes = still === undefined ? lanesOf(fleet, target) : [];
  let released = 0;
  for (const lane of lanes) released += await releaseHeld(fleet.ledger, lane, heldBecause(target));
  if (lanes.length > 0) fleet.bell.ring(lanes);
  return { changes, released, still };
}

async function told(fleet: Fleet, changes: readonly TargetChange[]): Promise<readonly TargetChange[]> {
  for (const change of changes) await tellCircuitChange(fleet, change, "operator");
  return changes;
}

async function closedWithProvider(circuits: Circuits, target: string): Promise<CircuitStatus | undefined> {
  const [provider = "", model] = target.split("/", 2);
  const [status] = model === undefined ? [] : await circuits.status(provider, [target]);
  return status?.wholeProvider === true ? status : undefined;
}

function lanesOf({ config: { catalog } }: Fleet, target: string): readonly string[] {
  const deployment = catalog.deployment(target);
  if (deployment !== undefined) return [deployment.pool];
  return [...catalog.pools.values()].filter(({ provider }) => provider === target).map(({ id }) => id);
}

/** What a worker's reasons begin with. The credential is the provider's: resetting one deployment does not mend it. */
const heldBecause = (target: string): readonly string[] =>
  target.includes("/") ? ["isolated"] : ["isolated", "credential off"];
