/**
 * A provider's limiter, written apart from ours and on true time: what the gate granted it never has to refuse. Calls are
 * charged when they arrive, and corrected when they end.
 */
import type { Limit, Pool } from "../../../src/config/pool.ts";

/** Units by dimension of the pool, in its order. */
export type Units = readonly number[];

export interface Refusal {
  readonly call: string;
  readonly atUs: number;
  readonly dimension: string;
  readonly asked: number;
  readonly room: number;
}

export interface Provider {
  /** A call on its way. What arrives at the same time arrives in the order of sending. */
  send(call: string, arrivesUs: number, units: Units): void;
  /**
   * The provider learns at `refundUs` that a call took less than it was charged; more than that is charged at `excessUs`,
   * and never refused.
   */
  end(call: string, units: Units, refundUs: number, excessUs: number): void;
  advance(toUs: number): void;
  /** Units that it counts as used, by dimension. */
  used(atUs: number): number[];
  readonly refusals: readonly Refusal[];
  readonly arrived: number;
}

interface Meter {
  used(atUs: number): number;
  room(atUs: number): number;
  charge(call: string, atUs: number, units: number): void;
  refund(call: string, atUs: number, units: number): void;
}

interface Arrival {
  readonly call: string;
  readonly atUs: number;
  readonly units: Units;
  readonly what: "call" | "refund" | "excess";
}

/** `aheadUs`: how far the provider's clock is ahead of the true one, for what it counts by the clock. */
export function providerOf(pool: Pool, aheadUs = 0): Provider {
  const meters = pool.limits.map((limit) => meterOf(limit, aheadUs));
  const onTheWay: Arrival[] = [];
  const charged = new Map<string, Units>();
  const refusals: Refusal[] = [];
  let arrived = 0;

  function arrive({ call, atUs, units, what }: Arrival): void {
    for (const [at, meter] of meters.entries()) {
      const asked = units[at] ?? 0;
      if (what === "refund") {
        if (asked > 0) meter.refund(call, atUs, asked);
        continue;
      }
      const room = meter.room(atUs);
      if (what === "call" && asked > room + 1e-6 * Math.max(1, asked)) {
        refusals.push({ call, atUs, dimension: pool.limits[at]?.dimension ?? "", asked, room });
      }
      meter.charge(call, atUs, asked);
    }
    if (what === "call") arrived += 1;
  }
  function put(arrival: Arrival): void {
    const later = onTheWay.findIndex(({ atUs }) => atUs > arrival.atUs);
    onTheWay.splice(later === -1 ? onTheWay.length : later, 0, arrival);
  }
  function advance(toUs: number): void {
    while (onTheWay[0] !== undefined && onTheWay[0].atUs <= toUs) {
      const next = onTheWay.shift();
      if (next !== undefined) arrive(next);
    }
  }
  return {
    send(call, arrivesUs, units) {
      charged.set(call, units);
      put({ call, atUs: arrivesUs, units, what: "call" });
    },
    end(call, units, refundUs, excessUs) {
      const before = charged.get(call);
      if (before === undefined) throw new Error(`${call} was not sent`);
      const more = units.map((final, at) => Math.max(0, final - (before[at] ?? 0)));
      const less = units.map((final, at) => Math.max(0, (before[at] ?? 0) - final));
      if (less.some((one) => one > 0)) put({ call, atUs: refundUs, units: less, what: "refund" });
      if (more.some((one) => one > 0)) put({ call, atUs: excessUs, units: more, what: "excess" });
    },
    advance,
    used: (atUs) => meters.map((meter) => meter.used(atUs)),
    refusals,
    get arrived() {
      return arrived;
    },
  };
}

function meterOf(spec: Limit, aheadUs: number): Meter {
  const limit = spec.limit ?? Number.POSITIVE_INFINITY;
  if (spec.limit === undefined) return unlimited;
  switch (spec.mode) {
    case "bucket":
      // Whatever holds less than one call lets none through.
      return bucket(Math.max(1, (limit * spec.burstSeconds) / 60), limit / 60e6);
    case "minute":
      return counter(limit, (atUs) => String(Math.floor((atUs + aheadUs) / 60e6)));
    case "day":
      return counter(limit, (atUs) => dateIn(spec.timeZone, atUs + aheadUs));
    case "sliding":
      return log(limit, 60e6);
    // Every second, whatever its phase; below one a second, every interval between two.
    case "second":
      return log(Math.max(1, Math.floor(limit / 60)), limit >= 60 ? 1e6 : 60e6 / limit);
  }
}

const unlimited: Meter = {
  used: () => 0,
  room: () => Number.POSITIVE_INFINITY,
  charge: () => {},
  refund: () => {},
};

function bucket(burst: number, perUs: number): Meter {
  let level = burst;
  let since = 0;
  const levelAt = (atUs: number) => {
    if (since > 0) level = Math.min(burst, level + (atUs - since) * perUs);
    since = atUs;
    return level;
  };
  return {
    used: (atUs) => burst - levelAt(atUs),
    room: levelAt,
    charge(_call, atUs, units) {
      level = levelAt(atUs) - units;
    },
    refund(_call, atUs, units) {
      level = Math.min(burst, levelAt(atUs) + units);
    },
  };
}

function counter(limit: number, windowAt: (atUs: number) => string): Meter {
  const used = new Map<string, number>();
  const windows = new Map<string, string>();
  const usedAt = (atUs: number) => used.get(windowAt(atUs)) ?? 0;
  const add = (window: string, units: number) => used.set(window, (used.get(window) ?? 0) + units);
  return {
    used: usedAt,
    room: (atUs) => limit - usedAt(atUs),
    charge(call, atUs, units) {
      if (!windows.has(call)) windows.set(call, windowAt(atUs));
      add(windowAt(atUs), units);
    },
    refund(call, _atUs, units) {
      add(windows.get(call) ?? "", -units);
    },
  };
}

function log(limit: number, lengthUs: number): Meter {
  const entries: { readonly call: string; readonly atUs: number; units: number }[] = [];
  const usedAt = (atUs: number) => {
    while (entries[0] !== undefined && entries[0].atUs <= atUs - lengthUs) entries.shift();
    return entries.reduce((sum, entry) => sum + entry.units, 0);
  };
  return {
    used: usedAt,
    room: (atUs) => limit - usedAt(atUs),
    charge: (call, atUs, units) => entries.push({ call, atUs, units }),
    refund(call, _atUs, units) {
      const entry = entries.find((one) => one.call === call);
      if (entry !== undefined) entry.units -= units;
    },
  };
}

const originMs = Date.UTC(2025, 0, 1);
const formats = new Map<string, Intl.DateTimeFormat>();
/** The date on the wall there. */
function dateIn(timeZone: string, us: number): string {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
  formats.set(timeZone, format);
  return format.format(new Date(originMs + Math.floor(us / 1_000)));
}
