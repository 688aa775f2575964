/**
 * The limits of every caller, really enforced: one meter for each vendor, API key and class of models. A call is admitted
 * under all dimensions at once or not at all; a refused call consumes nothing, unless `rejectsCount` makes it cost a request.
 * Input is charged when a call is admitted, and so is what it reserves (`tokensPerMinute`: input plus its maximum); with
 * `refund`, what it did not use of that comes back when it is over. Output is charged as it is produced, so a long answer can
 * run into debt. What shape a limit has, `shape.ts` decides.
 */
import type { Clock } from "../runtime/clock.ts";
import { type Allowance, type LimitReadings, type Metered, readingOf } from "./allowance.ts";
import type { LimitSettings, Limits } from "./options.ts";
import type { RateRefusal } from "./refusal.ts";
import { allowancesOf } from "./shape.ts";
import type { Vendor } from "./vendor.ts";

export interface Meters {
  /** A caller heard of for the first time begins with full limits at `nowMs`; now where no time is given. */
  of(vendor: Vendor, key: string, modelClass: string, nowMs?: number): Meter;
  /** Changes limits while calls are under way; what is used stays used. */
  change(settings: LimitSettings): void;
  readonly settings: LimitSettings;
}

export interface Meter {
  /** Now, where no time is given. */
  admit(demand: Demand, nowMs?: number): Admission;
  /** What is left then, by dimension; only those that are limited. */
  readings(nowMs?: number): LimitReadings;
}

export interface Demand {
  readonly inputTokens: number;
  /** The caller's own maximum; 0 when it gave none. */
  readonly maxOutputTokens: number;
}

export type Admission =
  | { readonly admitted: true; readonly permit: Permit }
  | { readonly admitted: false; readonly refusal: RateRefusal };

export interface Permit {
  produced(outputTokens: number): void;
  /** The call is over: gives its place back, and what it reserved in vain where that is refunded. Once. */
  release(): void;
}

export function createMeters(initial: LimitSettings, clock: Pick<Clock, "now">): Meters {
  const now = () => clock.now();
  const meters = new Map<string, { vendor: Vendor; modelClass: string; meter: ChangeableMeter }>();
  let settings = initial;
  return {
    of(vendor, key, modelClass, nowMs = now()) {
      const name = `${vendor} ${modelClass} ${key}`;
      let entry = meters.get(name);
      if (entry === undefined) {
        entry = { vendor, modelClass, meter: createMeter(limitsFor(settings, vendor, modelClass), now, nowMs) };
        meters.set(name, entry);
      }
      return entry.meter;
    },
    change(changes) {
      settings = { ...settings, ...changes };
      for (const { vendor, modelClass, meter } of meters.values()) {
        meter.change(limitsFor(settings, vendor, modelClass));
      }
    },
    get settings() {
      return settings;
    },
  };
}

/** A class' own limits stand in for the vendor's one by one. */
function limitsFor(settings: LimitSettings, vendor: Vendor, modelClass: string): Limits {
  const { classes, ...common } = settings[vendor] ?? {};
  return { ...common, ...classes?.[modelClass] };
}

interface ChangeableMeter extends Meter {
  change(limits: Limits): void;
}

function createMeter(initial: Limits, now: () => number, bornAtMs: number): ChangeableMeter {
  let limits = initial;
  let allowances = allowancesOf(limits, [], bornAtMs);
  let underWay = 0;

  const of = (dimension: Metered) => allowances.find((allowance) => allowance.dimension === dimension);
  const permit = (demand: Demand, atMs: number): Permit => {
    const reserve = of("tokens");
    let unused = demand.maxOutputTokens;
    let isHeld = true;
    underWay += 1;
    return {
      produced(outputTokens) {
        of("outputTokens")?.charge(outputTokens, now());
        unused -= outputTokens;
      },
      release() {
        if (!isHeld) return;
        isHeld = false;
        underWay -= 1;
        if (limits.refund === true && unused > 0) reserve?.giveBack(unused, atMs, now());
      },
    };
  };
  return {
    admit(demand, nowMs = now()) {
      const refusal = rateRefusal(allowances, demand, nowMs) ?? concurrencyRefusal(limits, underWay);
      if (refusal === undefined) {
        for (const allowance of allowances) allowance.charge(chargedAtOnce[allowance.dimension](demand), nowMs);
        return { admitted: true, permit: permit(demand, nowMs) };
      }
      if (limits.rejectsCount === true) {
        drainOne(of("requests"), nowMs);
        drainOne(of("requestsPerDay"), nowMs);
      }
      return { admitted: false, refusal };
    },
    readings: (nowMs = now()) =>
      Object.fromEntries(allowances.map((allowance) => [allowance.dimension, readingOf(allowance, nowMs)])),
    change(changed) {
      allowances = allowancesOf(changed, allowances, now());
      limits = changed;
    },
  };
}

const chargedAtOnce: Readonly<Record<Metered, (demand: Demand) => number>> = {
  requests: () => 1,
  requestsPerDay: () => 1,
  inputTokens: ({ inputTokens }) => inputTokens,
  outputTokens: () => 0,
  tokens: ({ inputTokens, maxOutputTokens }) => inputTokens + maxOutputTokens,
};

/** The dimension that blocks longest. Output is not known before it is produced, so one token must be left. */
function rateRefusal(allowances: readonly Allowance[], demand: Demand, nowMs: number): RateRefusal | undefined {
  let worst: RateRefusal | undefined;
  let worstMs = 0;
  for (const allowance of allowances) {
    const { dimension, limit } = allowance;
    const requested = dimension === "outputTokens" ? 1 : chargedAtOnce[dimension](demand);
    const waitMs = allowance.waitMsFor(requested, nowMs);
    if (waitMs <= worstMs) continue;
    worstMs = waitMs;
    const isTooLarge = waitMs === Number.POSITIVE_INFINITY;
    // What can never pass is told to wait a minute, as it is by the vendors.
    const retryAfterMs = isTooLarge ? 60_000 : waitMs;
    worst = { dimension, limit, used: Math.ceil(allowance.used(nowMs)), requested, retryAfterMs, isTooLarge };
  }
  return worst;
}

function concurrencyRefusal({ concurrency }: Limits, underWay: number): RateRefusal | undefined {
  if (concurrency === undefined || underWay < concurrency) return undefined;
  // Nobody can say when a call ends; a second is what providers say.
  return {
    dimension: "concurrency",
    limit: concurrency,
    used: underWay,
    requested: 1,
    retryAfterMs: 1_000,
    isTooLarge: false,
  };
}

/** A refused call takes a request where one is left; it never runs into debt. */
function drainOne(requests: Allowance | undefined, nowMs: number): void {
  const left = requests?.left(nowMs) ?? 0;
  if (left > 0) requests?.charge(Math.min(1, left), nowMs);
}
