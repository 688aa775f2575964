/**
 * A process that stays: settings, telemetry, log and fleet for `up`, `serve` and `worker`, and its end. The first SIGINT or
 * SIGTERM drains; a second one ends it at once with code 1.
 */
import { once } from "node:events";
import { readEnvironment } from "../../src/config/env.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type Log, openLog } from "../../src/telemetry/log.ts";
import { type RunningTelemetry, startTelemetry } from "../../src/telemetry/start.ts";
import { exitCodes } from "./exit.ts";
import { onLeave } from "./leave.ts";
import { awayWords } from "./patience.ts";
import { type Shell, withFleet } from "./shell.ts";
import { commandEnvironment } from "./simulator-session.ts";

export interface Staying {
  readonly fleet: Fleet;
  readonly telemetry: RunningTelemetry;
  readonly log: Log;
  /** For loops and connections that go on after an error; each complaint is logged at most every ten seconds. */
  readonly onError: (error: unknown) => void;
}

export interface StayingOptions {
  /** Name in traces. */
  readonly service: string;
  /** Instead of this command's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** What `start` gave back is called when the process is asked to stop. */
export type Drain = () => Promise<void>;

export async function runUntilStopped(
  shell: Shell,
  options: StayingOptions,
  start: (staying: Staying) => Promise<Drain>,
): Promise<void> {
  const leave = onLeave(exitCodes.failure);
  const environment = options.environment ?? commandEnvironment();
  const settings = readEnvironment(environment);
  const log = openLog(settings.MILLRACE_LOG);
  const telemetry = await startTelemetry({
    service: options.service,
    exportTraces: settings.telemetryWanted,
    onProblem: (problem) => log.warn(problem),
  });
  try {
    await withFleet(shell, { environment, telemetry: telemetry.telemetry, ownSignals: true }, async (fleet) => {
      const drain = await start({ fleet, telemetry, log, onError: openComplaints(log) });
      if (!leave.signal.aborted) await once(leave.signal, "abort");
      shell.note("Stopping: calls in flight are finished, the rest is handed back. Again to stop at once.");
      await drain();
    });
  } finally {
    await telemetry.stop();
    leave.forget();
    endInAnyCase();
  }
}

/** A connection that does not close must not keep a drained process alive. */
function endInAnyCase(): void {
  setTimeout(() => process.exit(), 2_000).unref();
}

/** A service that is away makes every loop complain at once. */
function openComplaints(log: Log): (error: unknown) => void {
  const saidAt = new Map<string, number>();
  return (error) => {
    const away = awayWords(error);
    const text = away === undefined ? (error instanceof Error ? error.message : String(error)) : away;
    if (Date.now() - (saidAt.get(text) ?? 0) < 10_000) return;
    saidAt.set(text, Date.now());
    if (away === undefined) log.error("a loop failed and goes on", { err: error });
    else log.warn(`${away}; waiting for it. Nothing accepted is lost.`);
  };
}
