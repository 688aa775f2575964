/** The `batch` commands: names and options. What they do is in the files beside this one. */
import type { Command } from "commander";
import { wholeNumber } from "../number-option.ts";
import { cancelOne, pauseOne, resumeOne, retryBatch } from "./batch-change.ts";
import { estimateFile } from "./batch-estimate.ts";
import { listBatches, showBatch } from "./batch-list.ts";
import { withInputOptions, withJson, withSubmitOptions } from "./batch-options.ts";
import { showResults } from "./batch-results.ts";
import { runBatch } from "./batch-run.ts";
import { submitBatch } from "./batch-submit.ts";
import { validateBatch } from "./batch-validate.ts";
import { watchBatch } from "./batch-watch.ts";

export function registerBatch(program: Command): void {
  const batch = program.command("batch").description("many requests handed over together, from a JSONL file");

  withSubmitOptions(batch.command("run <file>"))
    .description("run a file and write the answers in its order; the same command again goes on where it was")
    .option("-o, --output <file>", "where the answers go (default: FILE.out.jsonl in this folder)")
    .option("--detach", "hand the file in and do not wait")
    .addHelpText("after", exitHelp)
    .action(runBatch);
  withSubmitOptions(batch.command("submit <file>")).description("hand a file in and do not wait").action(submitBatch);
  withInputOptions(batch.command("validate <file>"))
    .description("check a file without running it: every bad line with its number and reason")
    .action(validateBatch);
  withInputOptions(batch.command("estimate <file>"))
    .description("what a file would take: lines, tokens and money by model, and how long at the least")
    .action(estimateFile);
  withJson(batch.command("watch [batch]"))
    .description("look on until a batch ends (the newest one)")
    .action(watchBatch);
  withJson(batch.command("ls"))
    .description("the newest batches")
    .option("-n, --limit <number>", "how many", wholeNumber(1, 10_000), 20)
    .option("--tenant <tenant>", "whose")
    .action(listBatches);
  withJson(batch.command("show [batch]")).description("one batch (the newest one)").action(showBatch);
  withJson(batch.command("results [batch]"))
    .description("the answers of a batch in input order (the newest one)")
    .option("-o, --output <file>", "into a file, which appears when it is whole")
    .option("--failed", "only lines that failed")
    .option("--follow", "also wait for those that are still to come")
    .action(showResults);
  withJson(batch.command("retry <batch>"))
    .description("give failed lines a new request each")
    .option("--failed", "the lines that failed")
    .action(retryBatch);
  withJson(batch.command("pause <batch>"))
    .description("hold what has not been sent; calls under way finish")
    .action(pauseOne);
  withJson(batch.command("resume <batch>")).description("let a paused batch go on").action(resumeOne);
  withJson(batch.command("cancel <batch>"))
    .description("cancel what is not finished; finished lines keep their answers")
    .action(cancelOne);
}

const exitHelp = `
Exit codes: 0 every line was answered, 1 left before the end (Ctrl-C) or a failure of ours, 2 some lines failed or the
input is bad, 3 no line was answered or the batch was cancelled, 64 wrong usage. Bad lines that --skip-bad left out are
listed and do not change the exit code.`;
