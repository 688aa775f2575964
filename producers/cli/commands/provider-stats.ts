/** `provider stats`: from the hourly roll-ups, so it lags by a second or two and is quick at any size. */
import { type ModelStats, modelStats } from "../../../src/ledger/stats.ts";
import { count, short, span, spend } from "../amounts.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";

interface StatsOptions {
  readonly time: number;
  readonly json?: boolean;
}

export async function stats(options: StatsOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const { since, models } = await modelStats(fleet.ledger, options.time);
    shell.result({ since, models });
    shell.line(`since ${since.toISOString()}`);
    if (models.length === 0) shell.line('No calls. Make one: millrace run "Say hello"');
    else shell.line(table(columns, models.map(cellsOf)));
  });
}

const columns = [
  { title: "PROVIDER" },
  { title: "MODEL" },
  ...["CALLS", "OK", "INPUT", "OUTPUT", "COST", "MEAN", "P50", "P99", "FIRST TOKEN"].map((title) => ({
    title,
    align: "right" as const,
  })),
];

const cellsOf = (model: ModelStats): string[] => [
  model.provider,
  model.model,
  count(model.calls),
  `${((100 * model.succeeded) / model.calls).toFixed(1)} %`,
  short(model.inputTokens),
  short(model.outputTokens),
  spend(model.costNanoUsd, model.unpriced),
  span(model.meanMs),
  span(model.p50Ms),
  span(model.p99Ms),
  model.firstTokenMs === undefined ? "-" : span(model.firstTokenMs),
];
