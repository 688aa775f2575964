/** Gates on a test's own Redis, each as in a process of its own, on clocks that stand still until a test moves them. */
import type { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import {
  type Admission,
  type AdmissionOptions,
  defaultRules,
  openAdmission,
} from "../../../src/admission/admission.ts";
import type { GateRules, Place } from "../../../src/admission/door.ts";
import type { Ask, CircuitChange, Permit, Verdict } from "../../../src/admission/permit.ts";
import type { ChargePolicy, Dimension, Limit, LimitMode, Pool } from "../../../src/config/pool.ts";
import type { Failure, FailureKind } from "../../../src/request/failure.ts";
import type { CallOutcome, LimitReport } from "../../../src/request/outcome.ts";
import type { Usage } from "../../../src/request/usage.ts";
import type { TestServices } from "../../support/services.ts";

/** Microseconds since 2025. `stepUs` is by how much Redis' clock is off the true time. */
export interface Time {
  us: number;
  stepUs: number;
}

export interface World {
  readonly redis: Redis;
  readonly time: Time;
  readonly gates: readonly Admission[];
  readonly gate: Admission;
  readonly changes: CircuitChange[];
  /** Lets true time pass. */
  pass(ms: number): void;
  /** A process that starts now. */
  join(options?: Partial<AdmissionOptions>): Admission;
}

const originMs = Date.UTC(2025, 0, 1);
export const usAt = (iso: string): number => (Date.parse(iso) - originMs) * 1_000;

export async function opened(services: TestServices, processes = 1, rules: GateRules = defaultRules): Promise<World> {
  const url = await services.emptyRedis();
  const redis = await services.redis();
  const time: Time = { us: usAt("2026-06-01T12:00:07.000Z"), stepUs: 0 };
  const changes: CircuitChange[] = [];
  const open: Admission[] = [];
  const join = (options: Partial<AdmissionOptions> = {}): Admission => {
    const bootedUs = time.us - 5_000_000 * (open.length + 1);
    const gate = openAdmission(url, {
      rules,
      onChange: (change) => changes.push(change),
      clockUs: () => Math.round(time.us + time.stepUs),
      monotonicMs: () => (time.us - bootedUs) / 1_000,
      ...options,
    });
    open.push(gate);
    return gate;
  };
  const gates = Array.from({ length: processes }, () => join());
  onTestFinished(async () => {
    await Promise.all(open.map((gate) => gate.close()));
  });
  const [gate] = gates;
  if (gate === undefined) throw new Error("there must be one process");
  const pass = (ms: number) => {
    time.us += ms * 1_000;
  };
  return { redis, time, gates, gate, changes, pass, join };
}

export const limitOn = (
  dimension: Dimension,
  mode: LimitMode,
  limit: number | undefined,
  more: Partial<Limit> = {},
): Limit => ({ dimension, mode, limit, fixed: false, burstSeconds: 6, timeZone: "UTC", ...more });

const charge: ChargePolicy = {
  input: "exact",
  cacheReads: "free",
  output: "produced",
  outputWeight: 1,
  refund: "end",
  rejectsCount: false,
};

let pools = 0;
/** A pool of a provider of its own, unless told otherwise. */
export function placeOf(
  limits: readonly Limit[],
  { charge: policy, ...more }: Partial<Omit<Pool, "limits" | "charge">> & { charge?: Partial<ChargePolicy> } = {},
): Place {
  pools += 1;
  const provider = more.provider ?? `p${pools}`;
  const id = more.id ?? `${provider}.m${pools}`;
  const pool: Pool = {
    concurrency: 1_000_000,
    jitterMs: 50,
    ...more,
    id,
    provider,
    limits,
    charge: { ...charge, ...policy },
  };
  return { pool, deployment: `${id}.d` };
}

let leases = 0;
export const askOf = (more: Partial<Ask> = {}): Ask => {
  leases += 1;
  return { leaseId: `lease-${leases}`, leaseMs: 600_000, inputTokens: 1, maxOutputTokens: 1, ...more };
};

export const permitOf = (verdict: Verdict): Permit => {
  if (!verdict.granted) throw new Error(`refused by ${verdict.blockedBy} for ${verdict.waitMs} ms`);
  return verdict.permit;
};
export const wordOf = (verdict: Verdict): string => (verdict.granted ? "granted" : verdict.blockedBy);
export const times = <Value>(count: number, make: (at: number) => Value): Value[] =>
  Array.from({ length: count }, (_, at) => make(at));

export const answered = (usage: Usage = {}, limits?: LimitReport): CallOutcome => ({
  ok: true,
  text: "",
  finish: { unified: "stop", raw: "stop" },
  usage,
  ...(limits === undefined ? {} : { limits }),
});
export const failed = (kind: FailureKind, more: Partial<Failure> = {}, limits?: LimitReport): CallOutcome => ({
  ok: false,
  failure: { kind, message: `it was ${kind}`, ...more },
  ...(limits === undefined ? {} : { limits }),
});

export const keyOf = (place: Place, what: string): string =>
  `millrace:{${place.pool.provider}}:${what}:${what === "circuit" ? place.deployment : place.pool.id}`;

/** Units in use by dimension, as Redis has them. */
export async function usedOf({ redis, time }: Pick<World, "redis" | "time">, place: Place): Promise<number[]> {
  const hash = await redis.hgetall(keyOf(place, "pool"));
  return place.pool.limits.map(({ mode }, at) => {
    const read = (field: string) => Number(hash[`${field}${at + 1}`] ?? Number.NaN);
    if (mode === "minute" || mode === "day") return read("u");
    return Math.max(0, (read("a") - time.us - time.stepUs) / read("p"));
  });
}

/** Long after its first call: full buckets, and a window that began anew. */
export async function warm(world: World, place: Place, gate = world.gate): Promise<void> {
  for (const ms of [120_000, 0]) {
    const permit = permitOf(await gate.acquire(place, askOf()));
    await gate.settle(permit, undefined);
    world.pass(ms);
  }
}
