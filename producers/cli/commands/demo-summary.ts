/** What the demo did, as the ledger tells it: every number is a query, none was counted on the way. */
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type BatchAudit, batchAudit, batchCallsByProvider } from "../../../src/ledger/batch-results.ts";
import { batchSpend } from "../../../src/ledger/batches.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { count, span, spend } from "../amounts.ts";
import { exitCodes } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";
import type { DemoRun } from "./demo-batch.ts";

export interface DemoEnd extends DemoRun {
  readonly fleet: Fleet;
  readonly shell: Shell;
  readonly simulator: Simulator;
}

export async function tellDemo({ fleet, shell, simulator, batch, ids, output }: DemoEnd): Promise<void> {
  const [audit, spent, providers] = await Promise.all([
    batchAudit(fleet.ledger, batch.id),
    batchSpend(fleet.ledger, batch.id),
    batchCallsByProvider(fleet.ledger, batch.id),
  ]);
  const lost = audit.accepted - audit.succeeded - audit.failed - audit.cancelled;
  const inOrder = (await idsOf(output)).join("\n") === ids.join("\n");
  const arrived = simulator.summary().calls;
  const retries = spent.calls - audit.called - audit.fallbacks;
  const file = relative(process.cwd(), output);
  const isWhole = lost === 0 && audit.accepted === ids.length && inOrder;

  shell.result({
    id: batch.id,
    ...audit,
    lost,
    inOrder,
    output,
    calls: spent.calls,
    arrived,
    retries,
    providers,
    costNanoUsd: spent.costNanoUsd,
    unpricedCalls: spent.unpriced,
  });
  shell.line("");
  shell.line(
    table(
      [
        { title: "provider" },
        ...["calls", "answered", "p50", "p99"].map((title) => ({ title, align: "right" }) as const),
      ],
      providers.map(({ provider, calls, succeeded, p50Ms, p99Ms }) => [
        provider,
        count(calls),
        count(succeeded),
        p50Ms === undefined ? "-" : `${count(p50Ms)} ms`,
        p99Ms === undefined ? "-" : `${count(p99Ms)} ms`,
      ]),
    ),
  );
  shell.line("");
  const took = (batch.finishedAt ?? new Date()).getTime() - batch.createdAt.getTime();
  shell.line(
    `took ${span(took)}; ${count(spent.inputTokens)} tokens in, ${count(spent.outputTokens)} out; ${spend(spent.costNanoUsd, spent.unpriced)} by list prices (the simulator charges nothing)`,
  );
  shell.line(
    `${count(spent.calls)} calls recorded, ${count(arrived)} arrived at the simulator; ${count(retries)} retries, ${count(audit.fallbacks)} fallbacks to another provider`,
  );
  shell.line("");
  shell.line(`answers       ${file} (${inOrder ? "each id once, in input order" : "NOT each id once in input order"})`);
  shell.line(`the batch     npx millrace batch show ${batch.id}`);
  shell.line("the calls     npx millrace provider stats");
  shell.line("Bull Board    npx millrace up --simulate");
  shell.line("");
  shell.line(verdict(audit, lost));
  process.exitCode = isWhole && audit.failed === 0 ? exitCodes.ok : exitCodes.failure;
}

const verdict = ({ accepted, succeeded, failed, cancelled }: BatchAudit, lost: number): string =>
  `accepted ${accepted}, succeeded ${succeeded}, failed ${failed}, ${cancelled === 0 ? "" : `cancelled ${cancelled}, `}lost ${lost}`;

const answerSchema = z.looseObject({ id: z.string() });

const idsOf = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => answerSchema.parse(JSON.parse(line)).id);
