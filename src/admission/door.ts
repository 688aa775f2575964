/** The gate as one deployment sees it: calls that come at the same moment share a script run. Words in, words out. */
import type { Dimension, Limit, Pool } from "../config/pool.ts";
import type { CallOutcome, LimitReport } from "../request/outcome.ts";
import { microBatch } from "../runtime/micro-batch.ts";
import type { Anchor } from "./anchor.ts";
import { type CallSums, charge, chargedInDay, chargeSoFar, reservation } from "./charge.ts";
import type { Estimates } from "./learned.ts";
import type { Ask, BlockedBy, CircuitState, Permit, Verdict } from "./permit.ts";
import type { PoolLimits } from "./pool-limits.ts";
import { reactions } from "./reaction.ts";
import type { keysOf, Scripts } from "./scripts.ts";
import { lastMidnight, type Shape } from "./shape.ts";

export interface Place {
  readonly pool: Pool;
  readonly deployment: string;
}

export interface GateRules {
  /** Failures in a row, and the share of at least so many calls in so many seconds, that open a circuit; how long. */
  readonly circuit: {
    readonly threshold: number;
    readonly coolDownMs: number;
    readonly ratio: number;
    readonly minimumCalls: number;
    readonly windowSeconds: number;
  };
  /** Retries may be this share of first calls, and so many a second in any case. */
  readonly retries: { readonly share: number; readonly floorPerSecond: number };
}

export interface DoorDeps {
  readonly scripts: Scripts;
  readonly keys: ReturnType<typeof keysOf>;
  readonly limits: PoolLimits;
  readonly anchor: Anchor;
  readonly serverId: (key: string) => Promise<string>;
  /** Calls of this pool that are under way, by whoever knows for certain; without it a lost pool counts from nothing. */
  readonly liveLeases: (() => Promise<readonly LiveLease[]>) | undefined;
  /** Calls of this pool since then that are over; without it a day's counter that was lost starts anew. */
  readonly callsSince: ((since: Date) => Promise<readonly CallSums[]>) | undefined;
  readonly estimates: Estimates;
  readonly rules: GateRules;
  /** Microseconds since 2025 instead of Redis' clock. */
  readonly clockUs: (() => number) | undefined;
}

export interface LiveLease {
  readonly leaseId: string;
  /** How long it lasts unless it is renewed. */
  readonly leaseMs: number;
}

export type Purpose = "call" | "look" | "lastLook";
/** What settling did to the circuit. */
export interface Settled {
  readonly settled: boolean;
  readonly change?: { readonly from: CircuitState; readonly to: CircuitState };
}

export interface Door {
  ask(ask: Ask, purpose: Purpose): Promise<Verdict>;
  /** `outcome` undefined: the permit was not used. */
  settle(permit: Permit, outcome: CallOutcome | undefined): Promise<Settled>;
  progress(
    permits: readonly { readonly permit: Permit; readonly producedTokens: number }[],
    leaseMs: number,
  ): Promise<void>;
}

export function openDoor({ pool, deployment }: Place, deps: DoorDeps): Door {
  const { scripts, keys, limits, anchor, estimates, rules } = deps;
  const dimensions = pool.limits.map((limit) => limit.dimension);
  const time = (server: string) => [deps.clockUs?.() ?? "", ...anchor.arguments(), server];
  const canSeed = deps.liveLeases === undefined ? 0 : 1;

  async function acquire(asks: readonly Question[]): Promise<Verdict[]> {
    const server = await deps.serverId(keys.pool);
    const sentAt = anchor.nowMs();
    const shapes = limits.shapes;
    const reserved = asks.map(({ ask }) => reservedFor(ask));
    const answers = await scripts.acquire(
      ...[keys.pool, keys.leases, keys.costs, keys.booked, keys.circuit, keys.provider],
      ...time(server),
      canSeed,
      limits.version,
      pool.concurrency ?? 0,
      rules.retries.share,
      rules.retries.floorPerSecond / 1e6,
      dimensions.length,
      ...shapes.flatMap(shapeArguments),
      ...asks.flatMap(({ ask, purpose }, at) => [
        ask.leaseId,
        purpose === "look" ? 2 : purpose === "lastLook" ? 4 : ask.isRetry === true ? 1 : 0,
        ask.leaseMs * 1_000,
        ask.share ?? 1,
        (ask.aheadMs ?? 0) * 1_000,
        ...(reserved[at] ?? []),
      ]),
    );
    const [version = 0, now = 0, ...verdicts] = answers;
    if (version === unseeded) {
      await seed();
      return acquire(asks);
    }
    if (version !== limits.version) {
      await limits.refresh(version);
      return acquire(asks);
    }
    anchor.told(now, sentAt);
    return asks.map(({ ask }, at) => verdict(verdicts.slice(6 * at, 6 * at + 6), ask, reserved[at] ?? [], shapes));
  }

  /** After a loss the slots of calls under way are taken again before anyone is let in, and what a day has used. */
  async function seed(): Promise<void> {
    const live = (await deps.liveLeases?.()) ?? [];
    const days = await Promise.all(pool.limits.map((limit) => usedOfDay(limit, live.length)));
    const leases = live.flatMap(({ leaseId, leaseMs }) => [leaseId, Math.ceil(leaseMs * 1_000)]);
    await scripts.seed(
      keys.pool,
      keys.leases,
      ...time(await deps.serverId(keys.pool)),
      dimensions.length,
      ...days,
      ...leases,
    );
  }

  /** What is under way is a request of the day, too; its tokens nobody knows yet. */
  async function usedOfDay({ dimension, mode, timeZone }: Limit, underWay: number): Promise<number> {
    if (mode !== "day" || deps.callsSince === undefined) return unknown;
    const used = chargedInDay(dimension, pool.charge, await deps.callsSince(lastMidnight(timeZone, new Date())));
    return used === undefined ? unknown : used + (dimension === "requestsPerDay" ? underWay : 0);
  }

  function reservedFor(ask: Ask): number[] {
    const learned = estimates.of(deployment);
    const expectation = {
      inputTokens: Math.ceil(ask.inputTokens * learned.inputRatio),
      outputTokens: Math.min(ask.maxOutputTokens, learned.outputTokens ?? firstGuess),
      maxOutputTokens: ask.maxOutputTokens,
    };
    return dimensions.map((dimension) => Math.ceil(reservation(dimension, pool.charge, expectation)));
  }

  function verdict(answer: readonly number[], ask: Ask, units: readonly number[], shapes: readonly Shape[]): Verdict {
    const [granted = 0, waitUs = 0, by = 0, nextUs = 0, more = 0, eachUs = 0] = answer;
    if (granted === 1 || granted === 2) {
      const reserved = Object.fromEntries(dimensions.map((dimension, at) => [dimension, units[at] ?? 0]));
      const permit = {
        leaseId: ask.leaseId,
        pool: pool.id,
        deployment,
        reserved,
        estimatedInput: ask.inputTokens,
        grantedAtMs: anchor.nowMs(),
        probe: granted === 2,
      };
      return { granted: true, permit, startMs: waitUs / 1_000, nextMs: nextUs / 1_000, more, eachMs: eachUs / 1_000 };
    }
    if (by === -1) return { granted: false, waitMs: concurrencyLookMs, blockedBy: "concurrency" };
    if (by > -100) {
      const blockedBy = by < 0 ? (closures[-by] ?? "paused") : (dimensions[by - 1] ?? "requests");
      return { granted: false, waitMs: waitUs / 1_000, blockedBy, ...(granted === 3 ? { isNext: true } : {}) };
    }
    const at = -by - 101;
    const shape = shapes[at];
    const most = shape === undefined || shape.kind === "unlimited" ? 0 : Math.floor(shape.size);
    const blockedBy = dimensions[at] ?? "requests";
    return { granted: false, waitMs: Number.POSITIVE_INFINITY, blockedBy, tooLarge: { asked: units[at] ?? 0, most } };
  }

  const askBatched = microBatch<Question, Verdict>({ maxItems: 200, lines: 1, send: acquire });
  const settleBatched = microBatch<Ending, Settled>({ maxItems: 200, lines: 1, send: settle });

  async function settle(endings: readonly Ending[]): Promise<Settled[]> {
    const { threshold, coolDownMs, ratio, minimumCalls, windowSeconds } = rules.circuit;
    const server = await deps.serverId(keys.pool);
    const answers = await scripts.settle(
      ...[keys.pool, keys.leases, keys.costs, keys.booked, keys.circuit],
      ...time(server),
      canSeed,
      dimensions.length,
      pool.concurrency === undefined ? 1 : 0,
      ...[threshold, coolDownMs * 1_000, ratio, minimumCalls, windowSeconds],
      ...endings.flatMap((ending) => endingArguments(ending)),
    );
    if (answers[0] === unseeded) {
      await seed();
      return settle(endings);
    }
    return endings.map((_ending, at) => {
      const change = changes[answers[2 * at + 1] ?? 0];
      return { settled: answers[2 * at] === 1, ...(change === undefined ? {} : { change }) };
    });
  }

  function endingArguments({ permit, outcome }: Ending): (string | number)[] {
    if (outcome === undefined) return [permit.leaseId, 0, 0, ...dimensions.flatMap(() => [unknown, unknown])];
    const wait = outcome.ok ? 0 : (outcome.failure.retryAfterMs ?? 0) * 1_000;
    const units = dimensions.flatMap((dimension) => [
      charge(dimension, pool.charge, outcome, permit.reserved[dimension] ?? 0) ?? unknown,
      usedAtProvider(pool, limits.limitOf(dimension), dimension, outcome.limits) ?? unknown,
    ]);
    return [
      permit.leaseId,
      outcome.ok ? 1 : reactions[outcome.failure.kind].circuit === "failure" ? 2 : 3,
      wait,
      ...units,
    ];
  }

  return {
    ask: (ask, purpose) => askBatched({ ask, purpose }),
    settle: (permit, outcome) => settleBatched({ permit, outcome }),
    async progress(permits, leaseMs) {
      const units = permits.flatMap(({ permit, producedTokens }) => [
        permit.leaseId,
        ...dimensions.map((dimension) => chargeSoFar(dimension, pool.charge, producedTokens) ?? unknown),
      ]);
      const five = [keys.pool, keys.leases, keys.costs, keys.booked, keys.circuit];
      await scripts.progress(
        ...five,
        ...time(await deps.serverId(keys.pool)),
        dimensions.length,
        leaseMs * 1_000,
        ...units,
      );
    },
  };
}

interface Question {
  readonly ask: Ask;
  readonly purpose: Purpose;
}
interface Ending {
  readonly permit: Permit;
  readonly outcome: CallOutcome | undefined;
}

/** Output expected of a deployment before its first answer, where the caller allows more. */
const firstGuess = 1_024;
const unknown = -1;
/** Instead of an answer: the pool has to be told first what is under way. */
const unseeded = -1;
/** A slot may free at any moment, so its wait has no exact time: look again after this. */
const concurrencyLookMs = 50;
/** Codes of acquire-6.lua below zero, from 2 on. */
const closures: readonly (BlockedBy | undefined)[] = [
  undefined,
  "concurrency",
  "paused",
  "circuit",
  "isolated",
  "credential",
  "retries",
  "busy",
];
/** Codes of settle-5.lua. */
const changes: readonly Settled["change"][] = [
  undefined,
  { from: "closed", to: "open" },
  { from: "half-open", to: "closed" },
  { from: "half-open", to: "open" },
  undefined,
];

function shapeArguments(shape: Shape): number[] {
  if (shape.kind === "unlimited") return [0, 0, 0, 0, 0, 0];
  if (shape.kind === "bucket") return [1, shape.perUnitUs, shape.size, shape.coldUnits, 0, 0];
  return [2, shape.lengthUs, shape.size, shape.coldUnits, shape.phaseUs, shape.guardUs];
}

/** Smaller differences are rounding (Anthropic's to a thousand). */
const foreignShare = 0.05;

/**
 * Units that the provider counted as used when it answered, from what it says is left; only where its shape tells what a
 * full bucket is; a twentieth of it is let pass, and what may have overtaken the call on the way.
 */
function usedAtProvider(
  pool: Pool,
  limit: number | undefined,
  dimension: Dimension,
  report: LimitReport | undefined,
): number | undefined {
  const reading = dimension in (report ?? {}) ? report?.[dimension as keyof LimitReport] : undefined;
  const spec = pool.limits.find((candidate) => candidate.dimension === dimension);
  if (reading?.remaining === undefined || limit === undefined || spec === undefined) return undefined;
  // Where it counts against another limit than we do, its numbers say nothing of ours.
  if (reading.limit !== undefined && reading.limit !== limit) return undefined;
  if (spec.mode === "second" || spec.mode === "sliding") return undefined;
  const whole = spec.mode === "bucket" ? (limit * spec.burstSeconds) / 60 : limit;
  const onTheWay = (limit / 60_000) * pool.jitterMs;
  return Math.max(0, whole - reading.remaining - foreignShare * whole - onTheWay);
}
