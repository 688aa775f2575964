/** Workers for a batch that nobody else serves, inside this process. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type AllWorkers, startAll } from "../../../workers/all.ts";
import { awayWords } from "../patience.ts";
import { laneFacts } from "./batch-look.ts";

export interface OwnWorkers {
  /** Starts workers of every kind, once, if one of these lanes has no worker. */
  serve(unserved: readonly string[]): Promise<void>;
  /** True from the moment they were started. */
  readonly started: boolean;
  /** Lets calls in flight finish, hands the rest back unspent. Does nothing when none were started. */
  drain(): Promise<void>;
}

export function openOwnWorkers(fleet: Fleet, say: (line: string) => void): OwnWorkers {
  let workers: AllWorkers | undefined;
  const onError = openComplaints(say);
  return {
    get started() {
      return workers !== undefined;
    },
    async serve(unserved) {
      if (workers !== undefined || unserved.length === 0) return;
      say("No worker is running here, so this command works through the batch itself.");
      workers = await startAll(fleet, { onError });
    },
    async drain() {
      await workers?.drain(fleet.config.worker.drainGraceMs);
    },
  };
}

/** Lanes with open requests of this batch that no process serves. */
export const unservedLanes = async (fleet: Fleet, batchId: string): Promise<readonly string[]> =>
  (await laneFacts(fleet, batchId)).filter((facts) => facts.workers === 0).map((facts) => facts.lane);

/** A service that is away makes every loop complain at once; each complaint is said at most every ten seconds. */
export function openComplaints(say: (line: string) => void): (error: unknown) => void {
  const saidAt = new Map<string, number>();
  return (error) => {
    const away = awayWords(error);
    const text = away === undefined ? `worker: ${wordsOf(error)}` : `${away}; waiting for it.`;
    if (Date.now() - (saidAt.get(text) ?? 0) < 10_000) return;
    saidAt.set(text, Date.now());
    say(text);
  };
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
