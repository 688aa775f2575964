/** What is put to the test: the fleet, or the plain worker beside it. Both are processes under a supervisor. */
import type { Supervised } from "./processes.ts";

export interface Work {
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
  readonly stream: boolean;
}

/** One model of each provider; every third answer is streamed. */
const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-2.5-flash"];
export const workOf = (run: string, number: number): Work => ({
  key: `${run}-${number}`,
  model: models[number % models.length] ?? "",
  prompt: `Ticket ${run}-${number}: the parcel came late and one part was missing. Summarise it in a line.`,
  stream: Math.floor(number / models.length) % 3 === 0,
});

/** Slots of one worker process for each provider; calls under way may outlast the lease, which is extended. */
export const slots = 20;
export const leaseMs = 4_000;

export interface Verdict {
  readonly accepted: number;
  /** Accepted and ended, with a result or a recorded failure. */
  readonly terminal: number;
  readonly failed: number;
  /** Calls beyond the first that the provider answered, or was answering, for a request; not those it broke itself. */
  readonly duplicates: number;
  /** Calls that arrived at the provider and stand in no row of ours. */
  readonly unadmittedDuplicates: number;
  readonly ledgerDifferenceNanoUsd: number;
  /** Rows, leases and permits that somebody still seems to hold. */
  readonly left: number;
}

export interface Arm {
  readonly name: "millrace" | "plain";
  readonly workers: readonly Supervised[];
  /** Feeder and reconciler; the way in. None for the plain arm. */
  readonly keepers: readonly Supervised[];
  readonly api: Supervised | undefined;
  /** Hands work in and says it again until it is acknowledged; resolves with the ids that its calls carry. */
  accept(works: readonly Work[]): Promise<readonly string[]>;
  /** How many of these have not ended. Rejects while it cannot know. */
  open(ids: readonly string[]): Promise<number>;
  /** `since`: number of the provider's first call of this run. */
  judge(ids: readonly string[], since: number): Promise<Verdict>;
  close(): Promise<void>;
}
