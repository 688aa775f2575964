/** `millrace worker [name…]`: workers of some kinds in one process. */
import type { Command } from "commander";
import { writeProviderConfigs } from "../../../src/ledger/provider-configs.ts";
import { startFeeder } from "../../../workers/feeder.ts";
import { startProviderWorker } from "../../../workers/provider-worker.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { startWebhookSender } from "../../../workers/webhook-sender.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { noKeys, providersWithKey } from "../keys.ts";
import { type ListenOptions, listenForHealth } from "../listen.ts";
import { wholeNumber } from "../number-option.ts";
import { type Drain, runUntilStopped, type Staying } from "../run-until-stopped.ts";
import { openShell } from "../shell.ts";
import { withJson } from "./batch-options.ts";

export function registerWorker(program: Command): void {
  const command = program
    .command("worker")
    .description("consumes the lanes of providers, and keeps them fed and reconciled if asked")
    .argument("[name...]", "providers (default: every one that has a key), feeder, reconciler (with webhooks), or all");
  withJson(command)
    .option("--port <n>", "port of /healthz, /readyz and /metrics; none unless given", wholeNumber(0, 65_535))
    .option("--host <address>", "address to listen on, default 127.0.0.1")
    .action(worker);
}

async function worker(names: readonly string[], options: ListenOptions & { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  const service = `millrace-worker${names.length === 1 ? `-${names[0]}` : ""}`;
  await runUntilStopped(shell, { service }, async (staying) => {
    const duties = dutiesOf(staying.fleet, names);
    const health = options.port === undefined ? undefined : await listenForHealth(staying, options);
    const drain = await start(staying, duties);
    shell.result({ ...duties, ...(health === undefined ? {} : { url: health.url }) });
    if (health !== undefined) shell.line(`Health at ${health.url}/readyz, metrics at ${health.url}/metrics.`);
    const kinds = [
      ...duties.providers,
      ...(duties.feeder ? ["feeder"] : []),
      ...(duties.reconciler ? ["reconciler"] : []),
    ];
    shell.line(`Working: ${kinds.join(", ")}. Ctrl-C drains and stops.`);
    return async () => {
      await drain();
      await health?.close();
    };
  });
}

interface Duties {
  readonly providers: readonly string[];
  readonly feeder: boolean;
  readonly reconciler: boolean;
}

/** What the words on the command line ask for. Throws CommandFailed for a name that is nothing and for a missing key. */
function dutiesOf(fleet: Staying["fleet"], names: readonly string[]): Duties {
  const { credentials } = fleet.config;
  const words = ["feeder", "reconciler", "all"];
  const unknown = names.filter((name) => !credentials.has(name) && !words.includes(name));
  if (unknown.length > 0) {
    const known = [...credentials.keys(), ...words].join(", ");
    throw new CommandFailed(`There is no ${unknown.join(", ")}; known are ${known}.`, exitCodes.usage);
  }
  const all = names.includes("all");
  const named = names.filter((name) => credentials.has(name));
  for (const name of named) {
    const credential = credentials.get(name);
    if (credential?.apiKey === undefined) throw new CommandFailed(`No key for ${name}: set ${credential?.variable}.`);
  }
  const wantsProviders = all || named.length > 0 || names.length === 0;
  const providers = named.length > 0 && !all ? named : wantsProviders ? providersWithKey(fleet) : [];
  if (wantsProviders && providers.length === 0) throw new CommandFailed(noKeys(fleet));
  return { providers, feeder: all || names.includes("feeder"), reconciler: all || names.includes("reconciler") };
}

async function start({ fleet, log, onError, giveUp }: Staying, duties: Duties): Promise<Drain> {
  await writeProviderConfigs(fleet.ledger, fleet.config);
  const feeder = duties.feeder ? startFeeder(fleet, onError) : undefined;
  const reconciler = duties.reconciler ? startReconciler(fleet, onError) : undefined;
  const webhooks = duties.reconciler ? startWebhookSender(fleet, { onError }) : undefined;
  const provider =
    duties.providers.length === 0
      ? undefined
      : startProviderWorker(fleet, { providers: duties.providers, onError, say: log.warn, onTrouble: giveUp });
  return async () => {
    const { drainGraceMs } = fleet.config.worker;
    await Promise.all([feeder?.stop(), reconciler?.stop(), webhooks?.stop(), provider?.drain(drainGraceMs)]);
  };
}
