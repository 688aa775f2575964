import { attemptLog, type LogLine } from "../../../src/ledger/logs.ts";
import { span } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { cost } from "../request-words.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";

interface LogsOptions {
  readonly n: number;
  readonly provider?: string;
  readonly failed?: boolean;
  readonly json?: boolean;
}

/** `provider logs`: one line for each call, no prompt and no answer. */
export async function logs(options: LogsOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const { provider, failed } = options;
    if (provider !== undefined && !fleet.config.credentials.has(provider)) {
      const known = [...fleet.config.credentials.keys()].join(", ");
      throw new CommandFailed(`No provider is called ${provider}. Providers: ${known}.`, exitCodes.usage);
    }
    const lines = await attemptLog(fleet.ledger, {
      limit: options.n,
      ...(provider === undefined ? {} : { provider }),
      ...(failed === undefined ? {} : { failedOnly: failed }),
    });
    shell.result({ calls: lines });
    if (lines.length === 0) shell.line(failed === true ? "No call has failed." : "No calls.");
    else shell.line(table(columns, lines.map(cellsOf)));
  });
}

const columns = [
  { title: "TIME" },
  { title: "REQUEST" },
  { title: "PROVIDER" },
  { title: "MODEL" },
  { title: "OUTCOME" },
  ...["TOOK", "FIRST TOKEN", "INPUT", "OUTPUT", "COST"].map((title) => ({ title, align: "right" as const })),
  { title: "WHY" },
];

const cellsOf = (line: LogLine): string[] => [
  line.createdAt.toISOString(),
  line.requestId,
  line.provider,
  line.model,
  line.outcome,
  span(line.durationMs),
  line.firstTokenMs === null ? "-" : span(line.firstTokenMs),
  line.inputTokens === null ? "unknown" : String(line.inputTokens),
  line.outputTokens === null ? "unknown" : String(line.outputTokens),
  cost(line),
  line.failureKind === null
    ? ""
    : `${line.failureKind}${line.httpStatus === null ? "" : ` ${line.httpStatus}`}: ${line.failureMessage ?? ""}`,
];
