/** How the circuits of providers stand: what the gate keeps, and from the ledger since when it is so. */
import type { CircuitStatus } from "../../src/admission/circuit-status.ts";
import type { Circuits } from "../../src/admission/circuits.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type CircuitEvent, latestCircuitEvents } from "../../src/ledger/circuit-events.ts";
import { knownDeployments } from "../deployments.ts";

/** Every known deployment of these providers, in their order. */
export async function circuitsOf(
  fleet: Fleet,
  circuits: Circuits,
  providers: readonly string[],
): Promise<readonly CircuitStatus[]> {
  const [known, events] = await Promise.all([knownDeployments(fleet), latestCircuitEvents(fleet.ledger)]);
  const found = await Promise.all(providers.map((provider) => circuits.status(provider, known.get(provider) ?? [])));
  return found.flat().map((status) => ({ ...status, sinceMs: status.sinceMs ?? sinceOf(status, events, Date.now()) }));
}

/** Redis does not keep when an operator or a refused key closed something off; the latest event of it says when. Pure. */
export function sinceOf(status: CircuitStatus, events: readonly CircuitEvent[], nowMs: number): number | undefined {
  const event = events.find(
    ({ provider, deployment, toState }) =>
      provider === status.provider &&
      deployment === (status.wholeProvider ? undefined : status.deployment) &&
      toState === status.state,
  );
  return event === undefined || status.state === "closed" ? undefined : Math.max(0, nowMs - event.at.getTime());
}
