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
  /** Ends this process with code 1 after draining what can be drained, for its supervisor to start it anew. */
  readonly giveUp: (reason: string) => void;
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
      const gaveUp = new AbortController();
      const giveUp = (reason: string) => {
        shell.note(`Ending for a new start: ${reason}.`);
        process.exitCode = exitCodes.failure;
        // What is stuck may not drain either.
        setTimeout(() => process.exit(), fleet.config.worker.drainGraceMs + stuckDrainMs).unref();
        gaveUp.abort();
      };
      const drain = await start({ fleet, telemetry, log, onError: openComplaints(log), giveUp });
      const end = AbortSignal.any([leave.signal, gaveUp.signal]);
      if (!end.aborted) await once(end, "abort");
      shell.note("Stopping: calls in flight are finished, the rest is handed back. Again to stop at once.");
      await drain();
    });
  } finally {
    await telemetry.stop();
    leave.forget();
    endInAnyCase();
  }
}

const stuckDrainMs = 5_000;

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
