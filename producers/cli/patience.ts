/** Waiting for a service that is away: right where work is under way, wrong where a command has not begun. */
import { setTimeout as sleep } from "node:timers/promises";
import { isPostgresAway } from "../../src/ledger/interruption.ts";

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
      const service = awayService(error);
      if (service === undefined || signal.aborted) throw error;
      if (!said) say(`${service} does not answer; waiting for it. Nothing accepted is lost.`);
      said = true;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Which service an error says is away, or undefined when it says something else. */
export function awayService(error: unknown): "Redis" | "Postgres" | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = `${error.name} ${error.message}`;
  if (/MaxRetriesPerRequest|Connection is closed|Stream isn't writeable/.test(text)) return "Redis";
  return isPostgresAway(error) ? "Postgres" : undefined;
}
