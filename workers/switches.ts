/**
 * The operator's switches, asserted on a Redis that has forgotten them. Who took one back just now is not overruled: it
 * would stay for good. So the ledger is read again afterwards; whoever takes back tells the ledger first, then Redis.
 */
import type { Circuits } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { isolatedTargets, pausedLanes } from "../src/ledger/toggles.ts";

export async function assertPauses({ ledger, lanes }: Pick<Fleet, "ledger" | "lanes">): Promise<void> {
  const asserted = await pausedLanes(ledger);
  for (const lane of asserted) await lanes.pause(lane);
  const paused = await pausedLanes(ledger);
  for (const lane of asserted) if (!paused.has(lane)) await lanes.resume(lane);
}

export async function assertIsolations(
  ledger: Fleet["ledger"],
  circuits: Pick<Circuits, "isolate" | "unisolate">,
): Promise<void> {
  const asserted = await isolatedTargets(ledger);
  for (const { target, reason } of asserted) await circuits.isolate(target, reason ?? "by an operator");
  const isolated = new Set((await isolatedTargets(ledger)).map(({ target }) => target));
  for (const { target } of asserted) if (!isolated.has(target)) await circuits.unisolate(target);
}
