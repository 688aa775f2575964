/** Isolating and resetting a provider or a deployment: the ledger remembers it, for Redis may forget; the gate does it. */
import type { CircuitStatus } from "../src/admission/circuit-status.ts";
import type { Circuits, TargetChange } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
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
  /** How a deployment stands whose whole provider is closed off: its own reset lets nothing go. */
  readonly still: CircuitStatus | undefined;
}

/** Calls may go again; what waited in the backlog is looked at at once. */
export async function switchCircuitOn(fleet: Fleet, circuits: Circuits, target: string): Promise<SwitchedOn> {
  await unisolateTarget(fleet.ledger, target);
  const changes = await told(fleet, await circuits.reset(target));
  const still = await closedWithProvider(circuits, target);
  if (still === undefined) fleet.bell.ring(["*"]);
  return { changes, still };
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
