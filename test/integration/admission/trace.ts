/** A random life of a pool: calls are asked for, booked, sent, ended; and the provider's limiter looks on. */
import type { Admission } from "../../../src/admission/admission.ts";
import type { Place } from "../../../src/admission/door.ts";
import type { Ask, Permit } from "../../../src/admission/permit.ts";
import type { ChargePolicy, Dimension, Limit, LimitMode } from "../../../src/config/pool.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";
import type { Usage } from "../../../src/request/usage.ts";
import { type Provider, providerOf, type Units } from "./oracle.ts";
import { answered, askOf, failed, limitOn, placeOf, usAt, type World } from "./world.ts";

export interface Tally {
  operations: number;
  granted: number;
  booked: number;
  refused: number;
  refunds: number;
  excesses: number;
  unsent: number;
  expired: number;
}
export const emptyTally = (): Tally => ({
  operations: 0,
  granted: 0,
  booked: 0,
  refused: 0,
  refunds: 0,
  excesses: 0,
  unsent: 0,
  expired: 0,
});

/** Chance that can be had again: mulberry32. */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
export const pick = <Value>(chance: () => number, values: readonly Value[]): Value => {
  const value = values[Math.floor(chance() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
};

export function drawnPlace(chance: () => number, modes: readonly LimitMode[]): Place {
  const minuteMode = () => pick(chance, modes);
  const burstSeconds = () => pick(chance, [1, 3, 6, 20, 60]);
  const tokenLimit = (dimension: Dimension): Limit => {
    const mode = minuteMode();
    const limit = Math.round(10 ** (4 + 1.3 * chance()));
    return limitOn(dimension, mode === "second" ? "sliding" : mode, limit, {
      burstSeconds: Math.max(6, burstSeconds()),
    });
  };
  const perMinute = Math.round(10 ** (1 + 2 * chance()));
  // Bursts of one call are another test's matter.
  const requests = limitOn("requests", minuteMode(), perMinute, {
    burstSeconds: Math.max(burstSeconds(), 90 / perMinute),
  });
  const sets: readonly Dimension[][] = [[], ["inputTokens"], ["inputTokens", "outputTokens"], ["tokens"]];
  const tokens = pick(chance, sets).map(tokenLimit);
  const timeZone = pick(chance, ["UTC", "Asia/Tokyo", "Asia/Kolkata"]);
  const days = chance() < 0.2 ? [limitOn("requestsPerDay", "day", Math.round(20 + 80 * chance()), { timeZone })] : [];
  const charge: ChargePolicy = {
    input: "exact",
    cacheReads: pick(chance, ["free", "counted"]),
    output: pick(chance, ["produced", "reserved", "larger"]),
    outputWeight: pick(chance, [1, 1, 5]),
    refund: pick(chance, ["end", "none"]),
    rejectsCount: chance() < 0.5,
  };
  return placeOf([requests, ...tokens, ...days], { charge, jitterMs: pick(chance, [0, 20, 50, 100]) });
}

interface Call {
  readonly ask: Ask;
  readonly gate: Admission;
  readonly permit: Permit;
  startUs: number;
  arrivesUs: number;
  outcome: CallOutcome | undefined;
}

/** What the provider charges in the end, by its own rules. */
function finalUnits(place: Place, permit: Permit, outcome: CallOutcome | undefined): Units {
  const { charge, limits } = place.pool;
  return limits.map(({ dimension }) => {
    const reserved = permit.reserved[dimension] ?? 0;
    if (outcome === undefined || (!outcome.ok && outcome.failure.kind === "client"))
      return charge.rejectsCount ? reserved : 0;
    if (dimension.startsWith("requests")) return reserved;
    const usage: Usage = outcome.usage ?? {};
    if (usage.inputTokens === undefined || usage.outputTokens === undefined) return reserved;
    const input = usage.inputTokens - (charge.cacheReads === "free" ? (usage.cacheReadTokens ?? 0) : 0);
    const output = usage.outputTokens * charge.outputWeight;
    const actual = dimension === "inputTokens" ? input : dimension === "outputTokens" ? output : input + output;
    if (charge.refund === "end" || (charge.output === "produced" && dimension === "outputTokens")) return actual;
    return Math.max(actual, reserved);
  });
}

const begunUs = usAt("2026-06-01T00:00:00Z");

export interface TraceOptions {
  readonly operations: number;
  /** Longest that a call takes, in ms. */
  readonly callMs: number;
  /** Every call is sent and takes what was reserved: for tests in which something else goes wrong. */
  readonly plain?: boolean;
  /** Called between operations. */
  readonly meddle?: (provider: Provider) => Promise<void> | void;
}

export async function runTrace(
  world: World,
  place: Place,
  chance: () => number,
  tally: Tally,
  { operations, callMs, plain = false, meddle }: TraceOptions,
): Promise<Provider> {
  const { time, gates } = world;
  time.us = begunUs + Math.round(chance() * 86_400_000_000);
  const { pool } = place;
  const wayUs = chance() * 60_000;
  const spreadUs = pool.jitterMs * 1_000;
  const provider = providerOf(pool, Math.round(chance() * (200_000 - wayUs) - 100_000));
  const booked: Call[] = [];
  const live: { readonly call: Call; readonly endsUs: number; readonly sent: boolean }[] = [];
  const smallest = Math.min(...pool.limits.filter(({ dimension }) => /okens$/.test(dimension)).map(mostOf));
  const largest = Number.isFinite(smallest) ? smallest : 1_000;

  function start(call: Call): void {
    call.startUs = time.us;
    const way = chance();
    if (way < 0.06 && !plain) {
      live.push({ call, endsUs: time.us + chance() * 200_000, sent: false });
      return;
    }
    call.outcome = outcomeOf(call);
    call.arrivesUs = Math.round(call.startUs + wayUs + chance() * spreadUs);
    const reserved = pool.limits.map(({ dimension }) => call.permit.reserved[dimension] ?? 0);
    const isCharged = call.outcome.ok || call.outcome.failure.kind !== "client" || pool.charge.rejectsCount;
    if (isCharged) provider.send(call.permit.leaseId, call.arrivesUs, reserved);
    live.push({ call, endsUs: call.arrivesUs + chance() ** 3 * callMs * 1_000, sent: isCharged });
  }

  function outcomeOf({ ask }: Call): CallOutcome {
    if (plain) return answered({});
    const kind = chance();
    if (kind < 0.08) return failed("client", { status: 400 });
    if (kind < 0.16) return answered({});
    if (kind < 0.2) return failed("timeout");
    const inputTokens = Math.round(ask.inputTokens * (0.3 + 1.1 * chance()));
    const cacheReadTokens = chance() < 0.3 ? Math.round(inputTokens * chance()) : 0;
    return answered({ inputTokens, cacheReadTokens, outputTokens: Math.round(ask.maxOutputTokens * chance()) });
  }

  async function look(call: Call): Promise<void> {
    booked.splice(booked.indexOf(call), 1);
    const verdict = await call.gate.lastLook(place, call.ask);
    if (!verdict.granted) await call.gate.settle(call.permit, undefined);
    else if (verdict.startMs > 0) booked.push({ ...call, startUs: time.us + Math.ceil(verdict.startMs * 1_000) });
    else start(call);
  }

  async function end(held: (typeof live)[number]): Promise<void> {
    live.splice(live.indexOf(held), 1);
    const { call } = held;
    provider.advance(time.us);
    if (chance() < 0.03) return; // its holder vanished: both sides keep what was reserved
    const settled = await call.gate.settle(call.permit, call.outcome);
    // What comes after the lease is not heard, so what was reserved stays with both.
    if (!settled) tally.expired += 1;
    else if (!held.sent) tally.unsent += 1;
    else {
      const reserved = pool.limits.map(({ dimension }) => call.permit.reserved[dimension] ?? 0);
      const final = finalUnits(place, call.permit, call.outcome);
      if (final.some((units, at) => units < (reserved[at] ?? 0))) tally.refunds += 1;
      if (final.some((units, at) => units > (reserved[at] ?? 0))) tally.excesses += 1;
      provider.end(call.permit.leaseId, final, Math.round(time.us + wayUs), Math.round(time.us + wayUs + spreadUs));
    }
  }

  /** Time passes, and what is due happens in its order. */
  async function passTo(us: number): Promise<void> {
    for (;;) {
      const nextBooked = booked.reduce<Call | undefined>(
        (first, one) => (first && first.startUs <= one.startUs ? first : one),
        undefined,
      );
      const nextEnd = live.reduce<(typeof live)[number] | undefined>(
        (first, one) => (first && first.endsUs <= one.endsUs ? first : one),
        undefined,
      );
      const bookedUs = nextBooked?.startUs ?? Number.POSITIVE_INFINITY;
      const endUs = Math.ceil(nextEnd?.endsUs ?? Number.POSITIVE_INFINITY);
      if (Math.min(bookedUs, endUs) > us) break;
      time.us = Math.max(time.us, Math.min(bookedUs, endUs));
      if (nextBooked !== undefined && bookedUs <= endUs) await look(nextBooked);
      else if (nextEnd !== undefined) await end(nextEnd);
    }
    time.us = us;
    provider.advance(us);
  }

  // Who is refused comes back, mostly.
  const refused: Ask[] = [];
  async function acquire(): Promise<void> {
    const gate = pick(chance, gates);
    const asks = Array.from({ length: 1 + Math.floor(chance() * 6) }, () =>
      askOf({
        inputTokens: Math.max(1, Math.round(largest * 0.5 * chance() ** 2)),
        maxOutputTokens: Math.max(1, Math.round((largest * 0.4 * chance() ** 2) / pool.charge.outputWeight)),
        leaseMs: pick(chance, [3_000, 60_000, 600_000]),
        aheadMs: chance() < 0.5 ? Math.round(250 * chance()) : 0,
        share: pick(chance, [1, 1, 0.8]),
      }),
    );
    for (let at = 0; at < asks.length && refused.length > 0; at += 1) {
      const again = chance() < 0.7 ? refused.shift() : undefined;
      if (again !== undefined) asks[at] = again;
    }
    const verdicts = await Promise.all(asks.map((ask) => gate.acquire(place, ask)));
    for (const [at, verdict] of verdicts.entries()) {
      const ask = asks[at];
      if (ask === undefined) continue;
      if (!verdict.granted) {
        tally.refused += 1;
        if (refused.length < 8 && verdict.tooLarge === undefined) refused.push(ask);
        continue;
      }
      tally.granted += 1;
      const startUs = time.us + Math.ceil(verdict.startMs * 1_000);
      const call: Call = { ask, gate, permit: verdict.permit, startUs, arrivesUs: 0, outcome: undefined };
      if (verdict.startMs === 0) start(call);
      else {
        tally.booked += 1;
        booked.push(call);
      }
    }
  }

  // Every process knows the pool before anything happens.
  for (const gate of gates) await gate.look(place, askOf());
  for (let done = 0; done < operations; done += 1) {
    tally.operations += 1;
    const what = chance();
    if (what < 0.55) await acquire();
    else if (what < 0.6 && booked.length > 0) {
      const call = pick(chance, booked);
      booked.splice(booked.indexOf(call), 1);
      tally.unsent += 1;
      await call.gate.settle(call.permit, undefined);
    } else if (what < 0.9) await passTo(time.us + Math.round(chance() * 200_000));
    else await passTo(time.us + Math.round(chance() * 5_000_000));
    await meddle?.(provider);
  }
  await passTo(time.us + 2_000_000);
  return provider;
}

function mostOf({ mode, limit = Number.POSITIVE_INFINITY, burstSeconds }: Limit): number {
  if (mode === "bucket") return (limit * burstSeconds) / 60;
  return mode === "sliding" ? limit / 10 : limit;
}
