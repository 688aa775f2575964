/** What a command says and where: results to stdout, everything about the way there to stderr. */
import { readEnvironment } from "../../src/config/env.ts";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import { startTelemetry } from "../../src/telemetry/start.ts";
import type { Telemetry } from "../../src/telemetry/telemetry.ts";
import { jsonText } from "./json-text.ts";
import { commandEnvironment } from "./simulator-session.ts";

export interface Shell {
  /** The caller wants one JSON document instead of lines. */
  readonly json: boolean;
  /** One line on stdout; nothing in --json mode. */
  line(text: string): void;
  /** The one JSON document of --json mode, on stdout; nothing otherwise. */
  result(value: unknown): void;
  /** One line on stderr, in both modes. */
  note(text: string): void;
}

/** `options` are the command's own, as commander gives them. */
export function openShell(options: { readonly json?: boolean | undefined }): Shell {
  const json = options.json === true;
  forgivePipes();
  return {
    json,
    line: (text) => {
      if (!json) process.stdout.write(`${text}\n`);
    },
    result: (value) => {
      if (json) process.stdout.write(`${jsonText(value)}\n`);
    },
    note: (text) => {
      process.stderr.write(`${text}\n`);
    },
  };
}

export interface FleetUse {
  /** Instead of this command's own: the environment of this process, and a running `up --simulate` of this folder. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Instead of one that exports when the OTEL_* variables say so. */
  readonly telemetry?: Telemetry;
  /** The command ends by itself on SIGINT and SIGTERM. Otherwise the fleet is closed and the process ends. */
  readonly ownSignals?: boolean;
}

/** Opens the fleet of the current folder for `work`, and closes it however `work` ends. */
export async function withFleet<Value>(
  shell: Shell,
  use: FleetUse,
  work: (fleet: Fleet) => Promise<Value>,
): Promise<Value> {
  const environment = use.environment ?? commandEnvironment();
  const tracing = use.telemetry === undefined ? await exportIfAsked(shell, environment) : undefined;
  const telemetry = use.telemetry ?? tracing?.telemetry;
  const fleet = await openFleet({
    directory: process.cwd(),
    say: shell.note,
    environment,
    ...(telemetry === undefined ? {} : { telemetry }),
  });
  const close = async () => {
    await fleet.close();
    await tracing?.stop();
  };
  const forget = use.ownSignals === true ? () => {} : endOnSignal(close);
  try {
    return await work(fleet);
  } finally {
    forget();
    await close();
  }
}

async function exportIfAsked(shell: Shell, environment: Readonly<Record<string, string | undefined>>) {
  if (!readEnvironment(environment).telemetryWanted) return undefined;
  return startTelemetry({
    service: "millrace",
    exportTraces: true,
    onProblem: (text) => shell.note(`telemetry: ${text}`),
  });
}

/** The first signal closes and ends with the shell's convention of 128 + number; a second one does not wait. */
function endOnSignal(close: () => Promise<void>): () => void {
  let asked = false;
  const end = (signal: NodeJS.Signals) => {
    const code = signal === "SIGINT" ? 130 : 143;
    if (asked) process.exit(code);
    asked = true;
    close().finally(() => process.exit(code));
  };
  process.on("SIGINT", end).on("SIGTERM", end);
  return () => {
    process.off("SIGINT", end).off("SIGTERM", end);
  };
}

let forgiving = false;

/** `millrace … | head` closes the pipe early: that is a wish, not an error. */
function forgivePipes(): void {
  if (forgiving) return;
  forgiving = true;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
