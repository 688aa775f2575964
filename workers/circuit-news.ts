/** Makes every change of a circuit known: a row in `circuit_events`, a count, and a line in the log. */
import type { TargetChange } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { appendCircuitEvent, type NewCircuitEvent } from "../src/ledger/circuit-events.ts";

export type Tools = Pick<Fleet, "ledger" | "telemetry">;
/** One line for people and the same in fields for machines. */
export type Say = (line: string, fields: Readonly<Record<string, string | undefined>>) => void;

export interface CircuitNewsOptions {
  readonly say?: Say;
  /** Told when a row could not be written; the change itself stands. */
  readonly onError?: (error: unknown) => void;
}

/** For `onChange` of `openAdmission`: it may be called at any rate and never throws. */
export interface CircuitNews {
  (change: TargetChange): void;
  /** Resolves when everything told so far is written: before the ledger is closed. */
  written(): Promise<void>;
}

export function openCircuitNews(tools: Tools, options: CircuitNewsOptions = {}): CircuitNews {
  const writing = new Set<Promise<void>>();
  const news = (change: TargetChange): void => {
    const one = tellCircuitChange(tools, change, "gate", options.say)
      .catch((error: unknown) => options.onError?.(error))
      .finally(() => writing.delete(one));
    writing.add(one);
  };
  return Object.assign(news, {
    async written() {
      await Promise.all(writing);
    },
  });
}

/** The same for one change, and it rejects when the row could not be written: for whoever acts by hand. */
export async function tellCircuitChange(
  { ledger, telemetry }: Tools,
  change: TargetChange,
  by: NewCircuitEvent["by"],
  say?: Say,
): Promise<void> {
  const { provider, from, to, reason } = change;
  // A refused credential is the provider's, whichever deployment found it out.
  const deployment = to === "credential-off" ? undefined : change.deployment;
  const model = deployment?.slice(deployment.indexOf("/") + 1);
  telemetry.count("circuitChanges", { provider, model, to });
  telemetry.event("circuitChanged", { provider, model, from, to });
  say?.(`circuit of ${deployment ?? provider}: ${from} to ${to} (${reason})`, {
    provider,
    deployment,
    from,
    to,
    reason,
    by,
  });
  await appendCircuitEvent(ledger, { provider, deployment, fromState: from, toState: to, reason, by });
}
