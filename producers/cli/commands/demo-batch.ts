/** The demo's batch on the same way as any other: file, check, accept, work, answers. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { BatchView } from "../../../src/ledger/batches.ts";
import { count } from "../amounts.ts";
import type { Progress } from "../progress.ts";
import { writeAnswers } from "./batch-answers.ts";
import { followBatch } from "./batch-follow.ts";
import { handIn } from "./batch-hand-in.ts";
import { checkFile } from "./batch-input.ts";
import { demoSource } from "./demo-fleet.ts";
import { writeDemoRequests } from "./demo-requests.ts";

export interface DemoBatch {
  readonly fleet: Fleet;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly count: number;
  readonly progress: Progress;
  readonly leave: AbortSignal;
}

export interface DemoRun {
  readonly batch: BatchView;
  /** In the order of the input. */
  readonly ids: readonly string[];
  readonly output: string;
}

/** Undefined when the person left before the end. */
export async function runDemoBatch({ fleet, progress, leave, ...demo }: DemoBatch): Promise<DemoRun | undefined> {
  const folder = join(fleet.config.home, "demo");
  await mkdir(folder, { recursive: true });
  const input = join(folder, "requests.jsonl");
  const output = join(folder, "answers.jsonl");
  const ids = await writeDemoRequests(input, demo.count);

  // Every demo is a new batch, though the lines are the same.
  const options = { priority: "bulk", new: true } as const;
  const checked = await checkFile(input, options, demo.environment);
  try {
    const { batch, complete } = await handIn({
      ...checked,
      fleet,
      options,
      source: demoSource,
      say: progress.note,
      leave,
    });
    if (!complete) return undefined;
    progress.note(`batch ${batch.id}: ${count(batch.total)} requests for three providers accepted`);
    const ended = await followBatch({ fleet, batch, progress, leave });
    progress.end();
    if (ended === undefined) return undefined;
    await writeAnswers(fleet, ended, output);
    return { batch: ended, ids, output };
  } finally {
    await checked.input.close();
  }
}
