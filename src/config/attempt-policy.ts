import { z } from "zod";
import type { FailureKind } from "../request/failure.ts";
import { timerMs } from "./amounts.ts";
import { settingsObject } from "./settings-object.ts";

/** Failures that a second call on the same deployment may not have. The other kinds wait unspent, move on or end. */
export const retryableKinds = [
  "capacity",
  "server",
  "timeout",
  "network",
  "stream",
] as const satisfies readonly FailureKind[];
export type RetryableKind = (typeof retryableKinds)[number];

/** How often and when a failed call is made again. */
export interface AttemptPolicy {
  /** Calls on one deployment, and on all of a route. */
  readonly perDeployment: number;
  readonly total: number;
  /** Calls made again because the answer was not of the form asked for; they count among the others, too. */
  readonly schemaRetries: number;
  /** Backoff with full jitter; see attempt/backoff.ts. */
  readonly baseMs: number;
  readonly capMs: number;
  /** Failures that are retried on the same deployment; after any other retryable kind the next one is asked. */
  readonly retryOn: readonly RetryableKind[];
}

const perDeployment = z.int().min(1).max(20);
const total = z.int().min(1).max(100);
const schemaRetries = z.int().min(0).max(20);
const retryOn = z.array(z.enum(retryableKinds));

export const attemptsSchema = settingsObject({
  perDeployment: perDeployment.default(3),
  total: total.default(6),
  schemaRetries: schemaRetries.default(2),
  baseMs: timerMs.default(500),
  capMs: timerMs.default(30_000),
  retryOn: retryOn.default([...retryableKinds]),
});

const ofProvider = {
  perDeployment: perDeployment.optional(),
  schemaRetries: schemaRetries.optional(),
  baseMs: timerMs.optional(),
  capMs: timerMs.optional(),
  retryOn: retryOn.optional(),
};
/** Without `total`, which counts the calls on all providers of a route. */
export const providerAttemptsSchema = settingsObject(ofProvider);
export const routeAttemptsSchema = settingsObject({ ...ofProvider, total: total.optional() });
export type RouteAttempts = z.infer<typeof routeAttemptsSchema>;
