/** `batch run`: check, hand in, work or watch, write the answers. Each step can be killed and is gone on with. */
import { basename, extname } from "node:path";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { BatchView } from "../../../src/ledger/batches.ts";
import { outputTrouble } from "../../jsonl/output-file.ts";
import { count } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { onLeave } from "../leave.ts";
import { patiently } from "../patience.ts";
import { openProgress } from "../progress.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { writeAnswers } from "./batch-answers.ts";
import { followBatch } from "./batch-follow.ts";
import { type HandedIn, handIn } from "./batch-hand-in.ts";
import { type CheckedInput, withCheckedFile } from "./batch-input.ts";
import { leaveBatch, leaveHandIn } from "./batch-leave.ts";
import type { Look } from "./batch-look.ts";
import type { BatchRunOptions } from "./batch-options.ts";
import { submitBatch } from "./batch-submit.ts";
import { exitCodeOf, summaryJson, summaryLine, summaryOf } from "./batch-summary.ts";
import { openOwnWorkers, unservedLanes } from "./batch-workers.ts";

export async function runBatch(path: string, options: BatchRunOptions): Promise<void> {
  if (options.detach === true) return submitBatch(path, options);
  const shell = openShell(options);
  const output = options.output ?? defaultOutput(path);
  await withCheckedFile(path, options, shell, async (checked) => {
    const trouble = await outputTrouble(output, path);
    if (trouble !== undefined) throw new CommandFailed(`The output ${output} ${trouble}.`, exitCodes.usage);
    await withFleet(shell, { ownSignals: true }, (fleet) =>
      workThrough({ fleet, shell, checked, options, path, output }),
    );
  });
}

/** `prompts.jsonl` is answered in `prompts.out.jsonl` of the current folder. */
const defaultOutput = (path: string): string => `${basename(path, extname(path))}.out.jsonl`;

interface Run {
  readonly fleet: Fleet;
  readonly shell: Shell;
  readonly checked: CheckedInput;
  readonly options: BatchRunOptions;
  readonly path: string;
  readonly output: string;
}

async function workThrough({ fleet, shell, checked, options, path, output }: Run): Promise<void> {
  const leave = onLeave(exitCodes.failure);
  const progress = openProgress(process.stderr);
  const workers = openOwnWorkers(fleet, progress.note);
  try {
    const handedIn = await handIn({
      ...checked,
      fleet,
      options,
      source: path,
      say: progress.note,
      leave: leave.signal,
    });
    const { batch } = handedIn;
    if (!handedIn.complete) return leaveHandIn(shell, batch, path);
    progress.note(beginning(handedIn));
    const ended = batch.finishedAt === undefined ? await work(batch) : batch;
    progress.end();
    if (ended === undefined) {
      return await leaveBatch({ fleet, shell, batch, working: workers.started, sameCommand: true });
    }
    await conclude(fleet, shell, ended, output, checked.checked.problems.count);
  } finally {
    await workers.drain();
    leave.forget();
  }

  async function work(batch: BatchView): Promise<BatchView | undefined> {
    const patience = { say: progress.note, signal: leave.signal };
    await patiently(async () => workers.serve(await unservedLanes(fleet, batch.id)), patience);
    const onLook = (look: Look) => workers.serve(look.unserved);
    return followBatch({ fleet, batch, progress, leave: leave.signal, onLook });
  }
}

function beginning({ batch, fresh }: HandedIn): string {
  if (fresh) return `batch ${batch.id}: ${count(batch.total)} lines accepted`;
  if (batch.finishedAt === undefined) return `batch ${batch.id} of this file goes on (--new starts over)`;
  return `batch ${batch.id} of this file has ended before; its answers are written again (--new starts over)`;
}

/** `leftOut`: bad lines that --skip-bad did not hand in. */
async function conclude(fleet: Fleet, shell: Shell, batch: BatchView, output: string, leftOut: number): Promise<void> {
  const written = await writeAnswers(fleet, batch, output);
  const summary = await summaryOf(fleet, batch);
  shell.result({ ...summaryJson(summary), output, answers: written, leftOut });
  shell.line(summaryLine(summary));
  shell.line(`${count(written)} answers in ${output}${leftOut === 0 ? "" : `; ${count(leftOut)} bad lines left out`}`);
  if (summary.counts.failed > 0) {
    shell.note(`See what failed with \`millrace batch results ${batch.id} --failed\`,`);
    shell.note(`run it again with \`millrace batch retry ${batch.id} --failed\` and the same command.`);
  }
  process.exitCode = exitCodeOf(summary);
}
