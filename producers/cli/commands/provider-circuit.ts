/** `millrace provider circuit status|reset|isolate`. */
import type { Command } from "commander";
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import { type Circuits, openCircuits } from "../../../src/admission/circuits.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { switchCircuitOff, switchCircuitOn } from "../../circuit-switch.ts";
import { knownDeployments } from "../../deployments.ts";
import { span } from "../amounts.ts";
import { circuitsOf } from "../circuit-look.ts";
import { callWords, nextWords, resetCommand, stateWords } from "../circuit-words.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { table } from "../table.ts";
import { withJson } from "./batch-options.ts";

interface CircuitOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

export function registerCircuit(provider: Command): void {
  const command = provider
    .command("circuit")
    .description("circuits: what is closed off, why, and the operator's switches");
  withJson(
    command
      .command("status")
      .description("every deployment: its circuit, since when, why, and what happens next")
      .argument("[provider...]", "of these only"),
  ).action(status);
  withJson(
    command
      .command("reset")
      .description("lets calls go again at once, and with them the requests that wait for it")
      .argument("<target>", "a provider, with its credential, or a deployment: provider/model"),
  ).action(reset);
  withJson(
    command
      .command("isolate")
      .description("starts no call of it until it is reset; calls under way end")
      .argument("<target>", "a provider or a deployment: provider/model")
      .option("--reason <text>", "kept for whoever asks"),
  ).action(isolate);
}

async function status(names: readonly string[], options: CircuitOptions): Promise<void> {
  const shell = openShell(options);
  await withCircuits(shell, async (fleet, circuits) => {
    const providers = [...fleet.config.credentials.keys()];
    const unknown = names.filter((name) => !providers.includes(name));
    if (unknown.length > 0) {
      throw new CommandFailed(
        `No provider is called ${unknown.join(", ")}. Providers: ${providers.join(", ")}.`,
        exitCodes.usage,
      );
    }
    const found = await circuitsOf(fleet, circuits, names.length === 0 ? providers : names);
    shell.result({ circuits: found.map(circuitJson) });
    shell.line(table(columns, found.map(cellsOf)));
  });
}

const columns = ["DEPLOYMENT", "STATE", "SINCE", "LAST 10 S", "WHY", "NEXT"].map((title) => ({ title }));

const cellsOf = (circuit: CircuitStatus): string[] => [
  circuit.deployment,
  stateWords(circuit),
  circuit.sinceMs === undefined ? "-" : `${span(circuit.sinceMs)} ago`,
  callWords(circuit),
  circuit.reason ?? "-",
  nextWords(circuit),
];

const circuitJson = (circuit: CircuitStatus) => ({
  provider: circuit.provider,
  deployment: circuit.deployment,
  state: circuit.state,
  whole_provider: circuit.wholeProvider,
  since_ms: circuit.sinceMs === undefined ? null : Math.round(circuit.sinceMs),
  reason: circuit.reason ?? null,
  next: nextWords(circuit),
  open_for_ms: circuit.openForMs === undefined ? null : Math.round(circuit.openForMs),
  failures_in_a_row: circuit.failuresInARow,
  calls: circuit.calls,
  failures: circuit.failures,
  ramping: circuit.ramping,
  paused_for_ms: Math.round(circuit.pausedForMs),
});

async function reset(target: string, options: CircuitOptions): Promise<void> {
  const shell = openShell(options);
  await withCircuits(shell, async (fleet, circuits) => {
    await assertKnown(fleet, target);
    const { changes, still } = await switchCircuitOn(fleet, circuits, target);
    shell.result({ reset: target, changes, still: still?.state ?? null });
    const words = changes.map(({ deployment, provider, from }) => `${deployment ?? provider} was ${from}`);
    shell.line(`Reset ${target}${words.length === 0 ? ": nothing was closed off" : `: ${words.join(", ")}`}.`);
    if (still !== undefined)
      shell.note(`${still.provider} as a whole is still ${stateWords(still)}: ${resetCommand(still.provider)}`);
  });
}

async function isolate(target: string, options: CircuitOptions): Promise<void> {
  const shell = openShell(options);
  await withCircuits(shell, async (fleet, circuits) => {
    await assertKnown(fleet, target);
    const reason = options.reason ?? "by an operator";
    const changes = await switchCircuitOff(fleet, circuits, target, reason);
    shell.result({ isolated: target, reason, changes });
    const already = changes.length === 0 ? " It was isolated already; the reason is new." : "";
    shell.line(
      `Isolated ${target}. No call starts; calls under way end.${already} Go on with: ${resetCommand(target)}`,
    );
  });
}

/** Throws CommandFailed with the targets there are. */
async function assertKnown(fleet: Fleet, target: string): Promise<void> {
  const known = await knownDeployments(fleet);
  if (known.has(target) || known.get(providerOf(target))?.includes(target)) return;
  const deployments = known.get(providerOf(target)) ?? [...known.values()].flat();
  throw new CommandFailed(
    `Nothing is called ${target}. Providers: ${[...known.keys()].join(", ")}. Deployments: ${deployments.join(", ")}.`,
    exitCodes.usage,
  );
}

const providerOf = (target: string): string => target.split("/", 1)[0] ?? target;

async function withCircuits(shell: Shell, work: (fleet: Fleet, circuits: Circuits) => Promise<void>): Promise<void> {
  await withFleet(shell, {}, async (fleet) => {
    const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
    try {
      await work(fleet, circuits);
    } finally {
      circuits.close();
    }
  });
}
