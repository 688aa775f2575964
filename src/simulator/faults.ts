/** Faults to order: a queue of rules. The first rule that fits a call and wins its chance is applied to it, alone. */
import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { uniformAt } from "./digest.ts";
import { vendorSchema } from "./options.ts";
import type { Vendor } from "./vendor.ts";

const aim = {
  provider: vendorSchema.optional(),
  model: z.string().optional(),
  /** A part of the request's text. */
  match: z.string().min(1).optional(),
  /** Chance for each call that fits; always when absent. */
  probability: z.number().min(0).max(1).optional(),
  /** Calls until the rule is used up. Absent: one, or without end where `probability` or `forMs` is given. */
  times: z.int().min(1).optional(),
  /** The rule ends that long after it was ordered. */
  forMs: z.number().positive().optional(),
};
const afterTokens = z.int().nonnegative();

export const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("rate-limit"), retryAfterS: z.number().nonnegative().default(1), ...aim }),
  z.strictObject({ kind: z.literal("insufficient-quota"), ...aim }),
  z.strictObject({ kind: z.literal("auth"), ...aim }),
  z.strictObject({ kind: z.literal("server-error"), ...aim }),
  z.strictObject({ kind: z.literal("unavailable"), ...aim }),
  z.strictObject({ kind: z.literal("overloaded"), ...aim }),
  z.strictObject({ kind: z.literal("html-error"), ...aim }),
  /** Nothing is answered; with `afterTokens`, nothing more after the headers and so many tokens. */
  z.strictObject({ kind: z.literal("hang"), afterTokens: afterTokens.optional(), ...aim }),
  /** The first token comes that much later. */
  z.strictObject({ kind: z.literal("slow"), ms: z.number().nonnegative(), ...aim }),
  /** The answer breaks off: with a clean end of the connection, or with a reset. A whole answer breaks in its middle. */
  z.strictObject({
    kind: z.literal("cut-stream"),
    afterTokens: afterTokens.default(1),
    how: z.enum(["end", "reset"]).default("end"),
    ...aim,
  }),
  /** An error event takes the place of the rest. Fits streamed calls only. */
  z.strictObject({ kind: z.literal("stream-error"), afterTokens: afterTokens.default(1), ...aim }),
  /** One piece of JSON breaks off; the rest of the stream is as it should be. */
  z.strictObject({ kind: z.literal("malformed-chunk"), afterTokens: afterTokens.default(1), ...aim }),
  /** Reports these counts, any number; ten times the truth where absent. */
  z.strictObject({
    kind: z.literal("wrong-usage"),
    inputTokens: z.number().optional(),
    outputTokens: z.number().optional(),
    ...aim,
  }),
  z.strictObject({ kind: z.literal("missing-usage"), ...aim }),
  /** An error in the body of a success, streamed or not. */
  z.strictObject({ kind: z.literal("error-in-success"), ...aim }),
  /** A whole answer without any choice or candidate; a stream ends without one. */
  z.strictObject({ kind: z.literal("empty-answer"), ...aim }),
  /** The vendor's filter keeps the whole answer back. */
  z.strictObject({ kind: z.literal("filtered"), ...aim }),
  /** The input of the last tool that is called is no JSON. */
  z.strictObject({ kind: z.literal("broken-tool-call"), ...aim }),
  /** A further piece comes after a stream's last event. Fits streamed calls only. */
  z.strictObject({ kind: z.literal("late-event"), ...aim }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as it is ordered: defaults may be left out. */
export type FaultOrder = z.input<typeof faultSchema>;
export type FaultKind = Fault["kind"];

export const faultKinds: readonly FaultKind[] = faultSchema.options.map((option) => option.shape.kind.value);

/** What a rule looks at. */
export interface FaultTarget {
  readonly vendor: Vendor;
  readonly model: string;
  readonly text: string;
  readonly stream: boolean;
}

export interface Rule {
  readonly fault: Fault;
  readonly timesLeft: number;
}

export interface FaultQueue {
  order(faults: readonly Fault[]): void;
  /** The rule for this call, chance included. It stays unspent until `spend`: a call that a limit refuses uses up none. */
  find(target: FaultTarget): Rule | undefined;
  spend(rule: Rule): void;
  pending(): readonly Rule[];
  clear(): void;
}

export function createFaultQueue(seed: number, clock: Pick<Clock, "now">): FaultQueue {
  let rules: { readonly fault: Fault; timesLeft: number; readonly endsAtMs: number }[] = [];
  let rolls = 0;
  const rollsWell = (probability: number | undefined) =>
    probability === undefined || uniformAt(seed, rolls++) < probability;
  const sweep = () => {
    if (rules.length > 0) rules = rules.filter((rule) => rule.timesLeft > 0 && clock.now() < rule.endsAtMs);
  };
  return {
    order(faults) {
      for (const fault of faults) {
        const isOpen = fault.probability !== undefined || fault.forMs !== undefined;
        rules.push({
          fault,
          timesLeft: fault.times ?? (isOpen ? Number.POSITIVE_INFINITY : 1),
          endsAtMs: fault.forMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + fault.forMs,
        });
      }
    },
    find(target) {
      sweep();
      return rules.find(({ fault }) => fits(fault, target) && rollsWell(fault.probability));
    },
    spend(rule) {
      const spent = rules.find((candidate) => candidate === rule);
      if (spent !== undefined) spent.timesLeft -= 1;
    },
    pending() {
      sweep();
      return rules.map(({ fault, timesLeft }) => ({ fault, timesLeft }));
    },
    clear() {
      rules = [];
    },
  };
}

const fits = (fault: Fault, { vendor, model, text, stream }: FaultTarget): boolean =>
  (fault.provider === undefined || fault.provider === vendor) &&
  (fault.model === undefined || fault.model === model) &&
  (fault.match === undefined || text.includes(fault.match)) &&
  (stream || !ofStreams.has(fault.kind));

const ofStreams: ReadonlySet<FaultKind> = new Set(["stream-error", "late-event"]);
