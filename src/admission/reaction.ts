/**
 * What the gate makes of a failure, by its kind: one table, from docs/limits.md. What becomes of the request is decided
 * in src/attempt/disposition.ts.
 */
import type { Failure, FailureKind } from "../request/failure.ts";

export interface Reaction {
  /** The provider turned the call away before it did anything. */
  readonly refused: boolean;
  /** What it tells the circuit: nothing (`neutral`) where the provider is well and it is our doing. */
  readonly circuit: "failure" | "neutral";
  /** Who waits for as long as the provider says: everybody on the pool, everybody on this model, nobody else. */
  readonly pause: "pool" | "circuit" | "none";
  /** Milliseconds to pause where the provider names no time. */
  readonly pauseMs: number;
  /** Slows the pool down: when it comes several times in a row, or at once. */
  readonly slowdown: "repeated" | "atOnce" | "none";
  /** What it says of the concurrency, where that is learned. */
  readonly gauge: "refused" | "busy" | "none";
  /** Counts against us: a gate that knew better would not have sent it. */
  readonly ours: boolean;
}

const plain: Reaction = {
  refused: false,
  circuit: "neutral",
  pause: "none",
  pauseMs: 0,
  slowdown: "none",
  gauge: "none",
  ours: false,
};
const broken: Reaction = { ...plain, circuit: "failure" };
const refusal: Reaction = { ...plain, refused: true };

export const reactions: Readonly<Record<FailureKind, Reaction>> = {
  rate: { ...refusal, pause: "pool", pauseMs: 1_000, slowdown: "repeated", ours: true },
  ramp: { ...refusal, pause: "pool", pauseMs: 15_000, slowdown: "atOnce", ours: true },
  concurrency: { ...refusal, gauge: "refused", ours: true },
  reduced: { ...refusal, pause: "pool", pauseMs: 1_000 },
  /** Until the day of the pool's counter ends; see admission.ts. */
  quotaDay: { ...refusal, pause: "pool" },
  quotaHard: refusal,
  capacity: { ...refusal, circuit: "failure", pause: "circuit", gauge: "busy" },
  server: broken,
  timeout: broken,
  network: broken,
  stream: broken,
  auth: refusal,
  client: refusal,
  // The provider did its work; the model did not.
  schema: plain,
  // Ended by us: they say nothing of the provider, and may have been charged.
  stopped: plain,
  deadline: plain,
};

/**
 * The account is out of money or the key is refused: every further call would be, so none is made until a person acts. A
 * 403 is about what this key may do, which may be this model only.
 */
export const turnsCredentialOff = (failure: Failure): boolean =>
  failure.kind === "quotaHard" || (failure.kind === "auth" && failure.status !== 403);
