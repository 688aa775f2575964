import type { LimitReadings } from "./allowance.ts";
import { refusalOrdered } from "./fault-refusal.ts";
import type { Fault, FaultKind } from "./faults.ts";
import type { Permit } from "./meters.ts";
import type { Call } from "./received.ts";
import type { Dimension, Refusal } from "./refusal.ts";
import type { Simulation } from "./simulation.ts";
import type { Vendor } from "./vendor.ts";

/** What happens to a call that makes sense. `limits` is what is left after it. */
export type Verdict =
  | {
      readonly verdict: "refuse";
      readonly refusal: Refusal;
      readonly limits: LimitReadings;
      readonly fault?: FaultKind | undefined;
      /** The limit that was really met; absent for refusals to order. */
      readonly refusedBy?: Dimension;
    }
  | { readonly verdict: "bad gateway"; readonly fault: FaultKind }
  | {
      readonly verdict: "answer";
      readonly call: Call;
      readonly permit: Permit;
      readonly limits: LimitReadings;
      readonly fault: Fault | undefined;
    };

/** Ordered errors come before limits and cost nothing; faults of the answer come after, so a refused call uses up none. */
export function decide({ faults, meters }: Simulation, vendor: Vendor, call: Call, nowMs: number): Verdict {
  const meter = meters.of(vendor, call.key, call.modelClass, nowMs);
  const rule = faults.find({ vendor, ...call.ask });
  const fault = rule?.fault;
  const ordered = fault === undefined ? undefined : refusalOrdered(fault, call.key);
  if (rule !== undefined && ordered !== undefined) {
    faults.spend(rule);
    const kind = rule.fault.kind;
    return ordered === "bad gateway"
      ? { verdict: ordered, fault: kind }
      : { verdict: "refuse", refusal: ordered, limits: meter.readings(nowMs), fault: kind };
  }
  const demand = { inputTokens: call.inputTokens, maxOutputTokens: call.ask.maxOutputTokens ?? 0 };
  const admission = meter.admit(demand, nowMs);
  const limits = meter.readings(nowMs);
  if (!admission.admitted) {
    const { refusal } = admission;
    return { verdict: "refuse", refusal: { kind: "rate", ...refusal }, limits, refusedBy: refusal.dimension };
  }
  if (rule !== undefined) faults.spend(rule);
  return { verdict: "answer", call, permit: admission.permit, limits, fault };
}
