/** `millrace simulate`: the provider simulator alone, for other programs and for tests. */
import { once } from "node:events";
import type { Command } from "commander";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { onLeave } from "../leave.ts";
import { wholeNumber } from "../number-option.ts";
import { openShell } from "../shell.ts";
import { type SimulationOptions, simulatorOptionsOf, withSimulationOptions } from "../simulator-options.ts";
import { pointedAt } from "../simulator-session.ts";
import { withJson } from "./batch-options.ts";

interface SimulateOptions extends SimulationOptions {
  readonly port?: number;
  readonly json?: boolean;
}

export function registerSimulate(program: Command): void {
  const command = program
    .command("simulate")
    .description("a provider to test against: three wire formats, real limits, faults to order")
    .option("--port <n>", "default: a free one", wholeNumber(0, 65_535));
  withSimulationOptions(withJson(command), "real").action(simulate);
}

async function simulate(options: SimulateOptions): Promise<void> {
  const shell = openShell(options);
  const leave = onLeave(exitCodes.failure);
  const simulator = await startOn(options);
  const environment = pointedAt(simulator, options.rpm);
  shell.result({ url: simulator.url, environment });
  shell.line(`The simulator listens at ${simulator.url}. To use it in another shell:`);
  for (const [name, value] of Object.entries(environment)) shell.line(`  export ${name}=${value}`);
  if (!leave.signal.aborted) await once(leave.signal, "abort");
  await simulator.close();
  leave.forget();
}

async function startOn(options: SimulateOptions): Promise<Simulator> {
  const port = options.port ?? 0;
  const { startSimulator } = await import("../../../src/simulator/simulator.ts");
  try {
    return await startSimulator({ ...simulatorOptionsOf(options), port });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new CommandFailed(`Port ${port} is taken. Leave --port out for a free one.`);
  }
}
