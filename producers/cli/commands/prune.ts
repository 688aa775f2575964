/** `millrace prune`: carries out what `retention` and `capture` of millrace.yaml say, or what is said here, at once and to the end. */
import type { Command } from "commander";
import type { Config } from "../../../src/config/config.ts";
import { nothingRemoved, type Removed } from "../../../src/ledger/prune.ts";
import { type Keeping, keepsEverything, openPruning, type Pruning } from "../../../src/ledger/retention.ts";
import { rollUpAttempts } from "../../../src/ledger/stats.ts";
import { count, span } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { wholeNumber } from "../number-option.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { withJson } from "./batch-options.ts";

interface PruneOptions {
  readonly dryRun?: boolean;
  readonly payloadsDays?: number;
  readonly resultsDays?: number;
  readonly logsDays?: number;
  readonly json?: boolean;
}

export function registerPrune(program: Command): void {
  const days = wholeNumber(0, 36_500);
  const command = program
    .command("prune")
    .description("removes what has ended long ago; never what is open or held, nor lines of a batch that has not ended")
    .option("--dry-run", "say what would go, change nothing")
    .option("--payloads-days <days>", "prompts older than that, instead of what millrace.yaml says", days)
    .option("--results-days <days>", "answers older than that", days)
    .option(
      "--logs-days <days>",
      "requests older than that, with calls and batches, changes of circuits and webhooks; statistics stay",
      days,
    );
  withJson(command).action(prune);
}

async function prune(options: PruneOptions): Promise<void> {
  const shell = openShell(options);
  const dryRun = options.dryRun === true;
  await withFleet(shell, {}, async ({ config, ledger }) => {
    const keeping = keepingOf(config, options);
    if (keepsEverything(keeping)) throw new CommandFailed(nothingSaid, exitCodes.usage);
    // Calls go only once they are in the statistics.
    while (!dryRun && (await rollUpAttempts(ledger)) > 0);
    const removed = await pruneAll(openPruning(ledger, keeping, { dryRun }), shell);
    shell.result({ dry_run: dryRun, ...removed });
    shell.line(`${dryRun ? "would remove" : "removed"} ${words(removed)}`);
  });
}

const keepingOf = ({ retention, capture }: Config, options: PruneOptions): Keeping => ({
  capture,
  retention: {
    payloadsDays: options.payloadsDays ?? retention.payloadsDays,
    resultsDays: options.resultsDays ?? retention.resultsDays,
    logsDays: options.logsDays ?? retention.logsDays,
  },
});

const nothingSaid =
  "Nothing says what may go: give --payloads-days, --results-days or --logs-days, or set retention in millrace.yaml.";

/** Each step is a transaction of its own: stopped anywhere, the same command goes on. */
async function pruneAll(pruning: Pruning, shell: Shell): Promise<Removed> {
  const began = Date.now();
  let total: Removed = nothingRemoved;
  for (let saidAt = began; ; ) {
    const step = await pruning.step();
    if (step === undefined) return total;
    total = sum(total, step);
    if (Date.now() - saidAt < 5_000) continue;
    saidAt = Date.now();
    shell.note(`${span(saidAt - began)}: ${words(total)}`);
  }
}

const sum = (one: Removed, other: Removed): Removed => ({
  prompts: one.prompts + other.prompts,
  answers: one.answers + other.answers,
  masked: one.masked + other.masked,
  requests: one.requests + other.requests,
  calls: one.calls + other.calls,
  batches: one.batches + other.batches,
  events: one.events + other.events,
  deliveries: one.deliveries + other.deliveries,
});

const words = ({ prompts, answers, masked, requests, calls, batches, events, deliveries }: Removed): string =>
  `${count(prompts)} prompts, ${count(answers)} answers, ${count(requests)} requests with ${count(calls)} calls, ` +
  `${count(batches)} batches, ${count(events)} changes of circuits, ${count(deliveries)} webhooks; masked ${count(masked)} texts`;
