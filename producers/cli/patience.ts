/** Waiting for a service that is away: right where work is under way, wrong where a command has not begun. */
import { setTimeout as sleep } from "node:timers/promises";
import { isPostgresAway } from "../../src/ledger/interruption.ts";
import { redisTrouble } from "../../src/runtime/redis-patience.ts";

export interface Patience {
  /** Told once for each absence, and when it is over. */
  readonly say: (line: string) => void;
  /** Ends the waiting; the error is thrown then. */
  readonly signal: AbortSignal;
}

/** Does `work` again, with growing pauses, while Redis or Postgres is away. Every other error is thrown at once. */
export async function patiently<Value>(work: () => Promise<Value>, { say, signal }: Patience): Promise<Value> {
  for (let pauseMs = 250, said = false; ; pauseMs = Math.min(5_000, pauseMs * 2)) {
    try {
      const value = await work();
      if (said) say("It answers again.");
      return value;
    } catch (error) {
      const words = awayWords(error);
      if (words === undefined || signal.aborted) throw error;
      if (!said) say(`${words}; waiting for it. Nothing accepted is lost.`);
      said = true;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Which service an error says is away, as the beginning of a sentence; undefined: it says something else. */
export const awayWords = (error: unknown): string | undefined =>
  redisTrouble(error) ?? (isPostgresAway(error) ? "Postgres does not answer" : undefined);
