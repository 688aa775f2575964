/** A gate on a test's own fleet: calls that are let go and end as the test says, without a provider. */
import { onTestFinished } from "vitest";
import { type AdmissionOptions, openAdmission } from "../../src/admission/admission.ts";
import { type Circuits, openCircuits } from "../../src/admission/circuits.ts";
import type { CircuitChange, Permit, Verdict } from "../../src/admission/permit.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";

export interface TestGate {
  ask(deployment: string): Promise<Verdict>;
  /** A call that is let go. Throws when it is not. */
  start(deployment: string): Promise<Permit>;
  end(permit: Permit, outcome: CallOutcome): Promise<boolean>;
  /** Calls one after the other that all end like this. */
  calls(deployment: string, outcome: CallOutcome, times?: number): Promise<void>;
  readonly changes: readonly CircuitChange[];
}

export function openTestGate(fleet: Fleet, options: Pick<AdmissionOptions, "rules" | "onChange"> = {}): TestGate {
  const changes: CircuitChange[] = [];
  const { onChange = () => {} } = options;
  const gate = openAdmission(fleet.redisUrl, {
    ...options,
    onChange: (change) => {
      changes.push(change);
      onChange(change);
    },
  });
  onTestFinished(() => gate.close());
  let asked = 0;

  const ask = (deployment: string): Promise<Verdict> => {
    const { catalog } = fleet.config;
    const pool = catalog.pools.get(catalog.deployment(deployment)?.pool ?? "");
    if (pool === undefined) throw new Error(`no pool for ${deployment}`);
    asked += 1;
    return gate.acquire(
      { pool, deployment },
      { leaseId: `lease-${asked}`, leaseMs: 60_000, inputTokens: 10, maxOutputTokens: 10 },
    );
  };
  const start = async (deployment: string): Promise<Permit> => {
    const verdict = await ask(deployment);
    if (!verdict.granted) throw new Error(`${deployment} is refused by ${verdict.blockedBy}`);
    return verdict.permit;
  };
  return {
    ask,
    start,
    end: (permit, outcome) => gate.settle(permit, outcome),
    async calls(deployment, outcome, times = 1) {
      for (let call = 0; call < times; call += 1) await gate.settle(await start(deployment), outcome);
    },
    changes,
  };
}

export function openTestCircuits(fleet: Fleet): Circuits {
  const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
  onTestFinished(() => circuits.close());
  return circuits;
}

/** Why a question was refused; undefined: it was not. */
export const refusalOf = (verdict: Verdict): string | undefined => (verdict.granted ? undefined : verdict.blockedBy);
