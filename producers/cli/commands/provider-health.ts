/** `provider health`: each provider is asked for its models, which costs nothing and shows whether the key is good. */
import { span } from "../amounts.ts";
import { circuitSummary } from "../circuit-words.ts";
import { exitCodes } from "../exit.ts";
import { scarcestWords } from "../headroom.ts";
import { noKeys } from "../keys.ts";
import type { Answer, Obstacle } from "../provider-answer.ts";
import { tellLearned } from "../provider-learned.ts";
import { lookAtProviders, type ProviderHealth, unfinishedIn } from "../provider-look.ts";
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
  { title: "LEFT" },
  { title: "ADDRESS" },
];

const cellsOf = ({ provider, baseUrl, answer, lanes, circuits, headroom }: ProviderHealth): string[] => [
  provider,
  answer.asked ? "yes" : answer.missing,
  answerWords(answer),
  circuitSummary(circuits),
  String(lanes.reduce((sum, lane) => sum + unfinishedIn(lane), 0)),
  scarcestWords(headroom) ?? "-",
  baseUrl ?? "the vendor's own",
];

function answerWords(answer: Answer): string {
  if (!answer.asked) return "-";
  if (answer.ok) return `ok, ${span(answer.ms)}`;
  return `${obstacleWords[answer.obstacle]} (${answer.kind}: ${answer.message})`;
}

const obstacleWords: Readonly<Record<Obstacle, string>> = {
  dns: "its name is not found",
  connect: "no connection",
  tls: "no TLS with it",
  answer: "no answer",
  key: "refuses the key",
  other: "answers wrongly",
};

/** Undefined where nothing was asked. */
const isReached = (answer: Answer): boolean | undefined =>
  answer.asked ? answer.ok || answer.obstacle === "key" || answer.obstacle === "other" : undefined;
const isAccepted = (answer: Answer): boolean | undefined =>
  answer.asked && (answer.ok || answer.obstacle === "key") ? answer.ok : undefined;

const healthJson = ({ provider, baseUrl, answer, lanes, circuits, estimates, headroom }: ProviderHealth) => ({
  provider,
  base_url: baseUrl ?? null,
  key: answer.asked,
  reached: isReached(answer) ?? null,
  key_accepted: isAccepted(answer) ?? null,
  answer: answer.asked ? answer : null,
  circuit: circuitSummary(circuits),
  circuits: circuits.map(({ deployment, state, reason }) => ({ deployment, state, reason: reason ?? null })),
  lanes: lanes.map((lane) => ({
    ...lane,
    requestsPerMinute: lane.requestsPerMinute ?? null,
    concurrency: lane.concurrency ?? null,
  })),
  headroom,
  estimates: estimates.map(({ deployment, inputRatio, outputTokens, updatedAt }) => ({
    deployment,
    input_ratio: inputRatio,
    output_tokens: outputTokens ?? null,
    updated_at: updatedAt,
  })),
});
