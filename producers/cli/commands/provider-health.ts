/** `provider health`: each provider is asked for its models, which costs nothing and shows whether the key is good. */
import { span } from "../amounts.ts";
import { circuitSummary } from "../circuit-words.ts";
import { exitCodes } from "../exit.ts";
import { noKeys } from "../keys.ts";
import { tellLearned } from "../provider-learned.ts";
import { type Answer, lookAtProviders, type ProviderHealth, unfinishedIn } from "../provider-look.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";

interface HealthOptions {
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export async function health(options: HealthOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const found = await lookAtProviders(fleet);
    shell.result({ providers: found.map(healthJson) });
    shell.line(table(columns, found.map(cellsOf)));
    if (options.verbose === true) for (const provider of found) tellLearned(shell, provider);
    const asked = found.filter(({ answer }) => answer.asked);
    if (asked.length === 0) shell.note(noKeys(fleet));
    if (asked.length === 0 || asked.some(({ answer }) => answer.asked && !answer.ok))
      process.exitCode = exitCodes.failure;
  });
}

const columns = [
  { title: "PROVIDER" },
  { title: "KEY" },
  { title: "ANSWER" },
  { title: "CIRCUIT" },
  { title: "OPEN", align: "right" as const },
  { title: "ADDRESS" },
];

const cellsOf = ({ provider, baseUrl, answer, lanes, circuits }: ProviderHealth): string[] => [
  provider,
  answer.asked ? "yes" : answer.missing,
  answerWords(answer),
  circuitSummary(circuits),
  String(lanes.reduce((sum, lane) => sum + unfinishedIn(lane), 0)),
  baseUrl ?? "the vendor's own",
];

function answerWords(answer: Answer): string {
  if (!answer.asked) return "-";
  return answer.ok ? `ok, ${span(answer.ms)}` : `${answer.kind}: ${answer.message}`;
}

const healthJson = ({ provider, baseUrl, answer, lanes, circuits, estimates }: ProviderHealth) => ({
  provider,
  base_url: baseUrl ?? null,
  key: answer.asked,
  answer: answer.asked ? answer : null,
  circuit: circuitSummary(circuits),
  circuits: circuits.map(({ deployment, state, reason }) => ({ deployment, state, reason: reason ?? null })),
  lanes: lanes.map((lane) => ({
    ...lane,
    requestsPerMinute: lane.requestsPerMinute ?? null,
    concurrency: lane.concurrency ?? null,
  })),
  estimates: estimates.map(({ deployment, inputRatio, outputTokens, updatedAt }) => ({
    deployment,
    input_ratio: inputRatio,
    output_tokens: outputTokens ?? null,
    updated_at: updatedAt,
  })),
});
