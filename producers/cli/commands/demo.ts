/** `millrace demo`: a real batch through the real fleet, against the simulator. Nothing leaves this machine. */
import { once } from "node:events";
import type { Command } from "commander";
import { readEnvironment } from "../../../src/config/env.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type RunningTelemetry, startTelemetry } from "../../../src/telemetry/start.ts";
import { boardPath } from "../../http/board-path.ts";
import { exitCodes } from "../exit.ts";
import { type Leave, onLeave } from "../leave.ts";
import { wholeNumber } from "../number-option.ts";
import { openProgress } from "../progress.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { withJson } from "./batch-options.ts";
import { runDemoBatch } from "./demo-batch.ts";
import { openDemoFleet, refuseForeignWork } from "./demo-fleet.ts";
import { type DemoSimulator, startDemoSimulator } from "./demo-simulator.ts";
import { tellDemo } from "./demo-summary.ts";

interface DemoOptions {
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly count: number;
}

export function registerDemo(program: Command): void {
  withJson(program.command("demo"))
    .description("a real batch against a simulated provider, with a progress bar, then a summary from the ledger")
    .option("--count <n>", "how many requests", wholeNumber(3, 100_000), 300)
    .option("--keep", "stay up afterwards, to look at Bull Board")
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const shell = openShell(options);
  const leave = onLeave(exitCodes.failure);
  // A limit that lets a third of the lines through at once and the rest in a quarter of a minute.
  const provider = await startDemoSimulator(Math.max(300, options.count));
  const telemetry = await startTelemetry({
    service: "millrace",
    exportTraces: readEnvironment(provider.environment).telemetryWanted,
    onProblem: (problem) => shell.note(`telemetry: ${problem}`),
  });
  try {
    const use = { environment: provider.environment, telemetry: telemetry.telemetry, ownSignals: true };
    await withFleet(shell, use, (fleet) => play({ shell, options, leave, provider, telemetry, fleet }));
  } finally {
    await telemetry.stop();
    await provider.simulator.close();
    leave.forget();
  }
}

interface Stage {
  readonly shell: Shell;
  readonly options: DemoOptions;
  readonly leave: Leave;
  readonly provider: DemoSimulator;
  readonly telemetry: RunningTelemetry;
  readonly fleet: Fleet;
}

async function play({ shell, options, leave, provider, telemetry, fleet }: Stage): Promise<void> {
  await refuseForeignWork(fleet);
  const progress = openProgress(process.stderr);
  const running = await openDemoFleet(fleet, telemetry, progress.note);
  try {
    progress.note(`Dashboard, while this runs: ${running.url}/`);
    const { environment, simulator } = provider;
    const ran = await runDemoBatch({ fleet, environment, count: options.count, progress, leave: leave.signal });
    if (ran === undefined) {
      shell.note("The demo was left before its end. `millrace demo` starts a new one.");
      process.exitCode = exitCodes.failure;
      return;
    }
    await tellDemo({ fleet, shell, simulator, ...ran });
    if (options.keep !== true || leave.signal.aborted) return;
    shell.note(`Dashboard: ${running.url}/, Bull Board: ${running.url}${boardPath}. Ctrl-C ends the demo.`);
    await once(leave.signal, "abort");
  } finally {
    await running.close();
  }
}
