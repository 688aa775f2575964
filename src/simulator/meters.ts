/**
 * The limits of every caller, really enforced: one meter for each vendor, API key and class of models. A call is admitted
 * under all dimensions at once or not at all; a refused call consumes nothing, unless `rejectsCount` makes it cost a request.
 * Input is charged when a call is admitted, and so is what it reserves (`tokensPerMinute`: input plus its maximum, nothing
 * is given back); output is charged as it is produced, so a long answer can leave that bucket in debt.
 */
import type { Clock } from "../runtime/clock.ts";
import { chargedUntil, type Rate, rateOf, rescaledUntil, usedOf, waitMsFor } from "./limits.ts";
import type { LimitSettings, Limits } from "./options.ts";
import type { RateRefusal } from "./refusal.ts";
import type { Vendor } from "./vendor.ts";

export interface Meters {
  of(vendor: Vendor, key: string, modelClass: string): Meter;
  /** Changes limits while calls are under way; what is used stays used. */
  change(settings: LimitSettings): void;
  readonly settings: LimitSettings;
}

export interface Meter {
  admit(demand: Demand): Admission;
  /** What is left now, by dimension; only those that are limited. */
  readings(): LimitReadings;
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
  /** Gives the place of a call under way back. Once. */
  release(): void;
}

const meteredDimensions = ["requests", "inputTokens", "outputTokens", "tokens"] as const;
type Metered = (typeof meteredDimensions)[number];

export interface LimitReading {
  readonly limit: number;
  readonly remaining: number;
  readonly fullInMs: number;
}
export type LimitReadings = Readonly<Partial<Record<Metered, LimitReading>>>;

export function createMeters(initial: LimitSettings, clock: Pick<Clock, "now">): Meters {
  const bornAtMs = clock.now();
  const now = () => clock.now() - bornAtMs;
  const meters = new Map<string, { vendor: Vendor; modelClass: string; meter: ChangeableMeter }>();
  let settings = initial;
  return {
    of(vendor, key, modelClass) {
      const name = `${vendor} ${modelClass} ${key}`;
      let entry = meters.get(name);
      if (entry === undefined) {
        entry = { vendor, modelClass, meter: createMeter(limitsFor(settings, vendor, modelClass), now) };
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

interface Bucket {
  readonly name: Metered;
  readonly perMinute: number;
  readonly rate: Rate;
  fullAtMs: number;
}

function createMeter(initial: Limits, now: () => number): ChangeableMeter {
  let limits = initial;
  let buckets = bucketsOf(limits, [], now());
  let underWay = 0;

  const charge = (name: Metered, units: number) => {
    const bucket = buckets.find((candidate) => candidate.name === name);
    if (bucket !== undefined) bucket.fullAtMs = chargedUntil(bucket.rate, bucket.fullAtMs, units, now());
  };
  const refusalOf = (demand: Demand, nowMs: number): RateRefusal | undefined => {
    let worst: RateRefusal | undefined;
    for (const bucket of buckets) {
      const units = needed(bucket.name, demand);
      const waitMs = waitMsFor(bucket.rate, bucket.fullAtMs, units, nowMs);
      if (waitMs > (worst?.retryAfterMs ?? 0)) worst = rateRefusal(bucket, units, waitMs, nowMs);
    }
    if (worst !== undefined || limits.concurrency === undefined || underWay < limits.concurrency) return worst;
    const { concurrency } = limits;
    // Nobody can say when a call ends; a second is what providers say.
    return {
      dimension: "concurrency",
      limit: concurrency,
      used: underWay,
      requested: 1,
      retryAfterMs: 1_000,
      isTooLarge: false,
    };
  };
  const permit = (): Permit => {
    underWay += 1;
    let isHeld = true;
    return {
      produced: (outputTokens) => charge("outputTokens", outputTokens),
      release() {
        if (isHeld) underWay -= 1;
        isHeld = false;
      },
    };
  };
  return {
    admit(demand) {
      const refusal = refusalOf(demand, now());
      if (refusal === undefined) {
        charge("requests", 1);
        charge("inputTokens", demand.inputTokens);
        charge("tokens", demand.inputTokens + demand.maxOutputTokens);
        return { admitted: true, permit: permit() };
      }
      if (limits.rejectsCount === true) drainOne(buckets, now());
      return { admitted: false, refusal };
    },
    readings: () => Object.fromEntries(buckets.map((bucket) => [bucket.name, readingOf(bucket, now())])),
    change(changed) {
      buckets = bucketsOf(changed, buckets, now());
      limits = changed;
    },
  };
}

/** Units that must be there: output is not known before it is produced, so one token must be left. */
function needed(name: Metered, { inputTokens, maxOutputTokens }: Demand): number {
  if (name === "inputTokens") return inputTokens;
  return name === "tokens" ? inputTokens + maxOutputTokens : 1;
}

function rateRefusal(bucket: Bucket, requested: number, waitMs: number, nowMs: number): RateRefusal {
  const isTooLarge = waitMs === Number.POSITIVE_INFINITY;
  const used = Math.ceil(usedOf(bucket.rate, bucket.fullAtMs, nowMs));
  // What can never pass is told to wait a minute, as it is by the vendors.
  const retryAfterMs = isTooLarge ? 60_000 : waitMs;
  return { dimension: bucket.name, limit: bucket.perMinute, used, requested, retryAfterMs, isTooLarge };
}

/** A refused call takes a request where one is left; it never runs into debt. */
function drainOne(buckets: readonly Bucket[], nowMs: number): void {
  const bucket = buckets.find(({ name }) => name === "requests");
  if (bucket === undefined) return;
  const left = bucket.rate.capacity - usedOf(bucket.rate, bucket.fullAtMs, nowMs);
  if (left > 0) bucket.fullAtMs = chargedUntil(bucket.rate, bucket.fullAtMs, Math.min(1, left), nowMs);
}

function bucketsOf(limits: Limits, before: readonly Bucket[], nowMs: number): readonly Bucket[] {
  return meteredDimensions.flatMap((name) => {
    const perMinute = limits[`${name}PerMinute`];
    if (perMinute === undefined) return [];
    const rate = rateOf(perMinute, limits.burstSeconds ?? 60);
    const old = before.find((bucket) => bucket.name === name);
    const fullAtMs = old === undefined ? nowMs : rescaledUntil(old.rate, rate, old.fullAtMs, nowMs);
    return [{ name, perMinute, rate, fullAtMs }];
  });
}

const readingOf = ({ rate, perMinute, fullAtMs }: Bucket, nowMs: number): LimitReading => ({
  limit: perMinute,
  remaining: Math.max(0, Math.floor(rate.capacity - usedOf(rate, fullAtMs, nowMs) + 1e-9)),
  fullInMs: Math.max(0, Math.ceil(fullAtMs - nowMs)),
});
