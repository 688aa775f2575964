import type { Clock } from "../runtime/clock.ts";
import type { ArrivalDelay } from "./arrival-delay.ts";
import type { CallLedger } from "./call-ledger.ts";
import type { FaultQueue } from "./faults.ts";
import type { Meters } from "./meters.ts";
import type { SimulatorSettings } from "./options.ts";

/** Everything that calls to one simulator share. */
export interface Simulation {
  readonly settings: SimulatorSettings;
  readonly clock: Pick<Clock, "now">;
  readonly delay: ArrivalDelay;
  readonly meters: Meters;
  readonly faults: FaultQueue;
  readonly ledger: CallLedger;
}
