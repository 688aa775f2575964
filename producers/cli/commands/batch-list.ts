/** `batch ls` and `batch show`. */
import { recentBatches } from "../../../src/ledger/batches.ts";
import { count, span, spend } from "../amounts.ts";
import { limitsNow } from "../progress-limit.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";
import { findBatch } from "./batch-find.ts";
import { laneFacts } from "./batch-look.ts";
import { summaryJson, summaryOf } from "./batch-summary.ts";

export interface ListOptions {
  readonly json?: boolean;
  readonly limit: number;
  readonly tenant?: string;
}

export async function listBatches(options: ListOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batches = await recentBatches(fleet.ledger, options.tenant ?? fleet.config.tenant, options.limit);
    const summaries = await Promise.all(batches.map((batch) => summaryOf(fleet, batch)));
    shell.result(summaries.map(summaryJson));
    if (summaries.length === 0) return shell.line("There is no batch yet: `millrace batch run FILE.jsonl` makes one.");
    const right = "right";
    const rows = summaries.map(({ batch, counts, spend: spent }) => [
      batch.id,
      batch.state,
      count(counts.accepted),
      count(counts.succeeded),
      count(counts.failed),
      spend(spent.costNanoUsd, spent.unpriced),
      batch.createdAt.toISOString().slice(0, 19).replace("T", " "),
      batch.source,
    ]);
    shell.line(
      table(
        [
          { title: "batch" },
          { title: "state" },
          { title: "lines", align: right },
          { title: "ok", align: right },
          { title: "failed", align: right },
          { title: "cost", align: right },
          { title: "created (UTC)" },
          { title: "source" },
        ],
        rows,
      ),
    );
  });
}

export async function showBatch(id: string | undefined, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batch = await findBatch(fleet, id);
    const [summary, lanes] = await Promise.all([summaryOf(fleet, batch), laneFacts(fleet, batch.id)]);
    const limits = limitsNow(lanes);
    shell.result({ ...summaryJson(summary), fingerprint: batch.fingerprint, lanes, limitedBy: limits });
    const { counts, spend: spent } = summary;
    const took = (batch.finishedAt ?? new Date()).getTime() - batch.createdAt.getTime();
    const open = ["queued", "dispatched", "running", "waiting", "held"] as const;
    shell.line(
      table(
        [{ title: "batch" }, { title: batch.id }],
        [
          ["state", batch.state],
          ["source", batch.source],
          ["tenant", batch.tenant],
          [
            "options",
            Object.entries(batch.options)
              .map(([name, value]) => `${name}=${String(value)}`)
              .join(" "),
          ],
          [
            "created",
            `${batch.createdAt.toISOString()} (${batch.finishedAt === undefined ? "for" : "took"} ${span(took)})`,
          ],
          ["lines", `${count(counts.accepted)} of ${count(batch.total)}`],
          ["succeeded", count(counts.succeeded)],
          ["failed", count(counts.failed)],
          ["cancelled", count(counts.cancelled)],
          ...open.filter((state) => counts[state] > 0).map((state) => [state, count(counts[state])]),
          ["calls", count(spent.calls)],
          ["tokens", `${count(spent.inputTokens)} in, ${count(spent.outputTokens)} out`],
          ["cost", spend(spent.costNanoUsd, spent.unpriced)],
          ...limits.map((limit) => ["limited by", limit]),
        ],
      ),
    );
  });
}
