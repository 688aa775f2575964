/** How much of one dimension a meter may let through, whatever the shape of its limit. Times are the clock's own. */
import type { Dimension } from "./refusal.ts";

export interface Allowance {
  readonly dimension: Metered;
  /** As it is told to callers: per minute, or per day. */
  readonly limit: number;
  /** Whole milliseconds until that many units are there: 0 now, Infinity when there are never so many. */
  waitMsFor(units: number, nowMs: number): number;
  /** Units used now; more than there are when output ran into debt. */
  used(nowMs: number): number;
  /** Units that may be taken now, fractions included; below zero in debt. */
  left(nowMs: number): number;
  /** Milliseconds until all of it is there again. */
  fullInMs(nowMs: number): number;
  /** Does not ask whether the units are there. */
  charge(units: number, nowMs: number): void;
  /** Gives back what was charged at `chargedAtMs` and not used. Never more than all of it is there. */
  giveBack(units: number, chargedAtMs: number, nowMs: number): void;
  /** Goes on under another limit of the same shape, with the same units used; false where the shape is another. */
  adopt(shape: Shape, nowMs: number): boolean;
}

export type Metered = Exclude<Dimension, "concurrency">;

export type Shape = BucketShape | WindowShape;

/** Refills all the time. */
export interface BucketShape {
  readonly kind: "bucket";
  readonly perMinute: number;
  readonly burstSeconds: number;
}

/** Counts anew at each edge of the clock's windows. */
export interface WindowShape {
  readonly kind: "window";
  /** Units in one window. */
  readonly units: number;
  readonly lengthMs: number;
  /** By how much the edges are later than the clock's own. */
  readonly phaseMs: number;
  /** The limit as it is told, which may be of a longer time than one window. */
  readonly told: number;
}

export interface LimitReading {
  readonly limit: number;
  readonly remaining: number;
  readonly fullInMs: number;
}
export type LimitReadings = Readonly<Partial<Record<Metered, LimitReading>>>;

export const readingOf = (allowance: Allowance, nowMs: number): LimitReading => ({
  limit: allowance.limit,
  remaining: Math.max(0, Math.floor(allowance.left(nowMs) + 1e-9)),
  fullInMs: allowance.fullInMs(nowMs),
});
