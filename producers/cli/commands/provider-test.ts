/**
 * `provider test`: one request through the queue, the limits and the ledger, for it spends money like any other. It is
 * pinned to the provider by its model name; if a fallback chain let another provider answer, the test has failed. It asks
 * for what the model is for: an answer, a vector, sound, or the words in a sound.
 */
import type { Config } from "../../../src/config/config.ts";
import type { AttemptView } from "../../../src/ledger/requests.ts";
import type { Operation } from "../../../src/request/body.ts";
import type { Result } from "../../../src/request/result.ts";
import { count, span } from "../amounts.ts";
import { type Asked, ask } from "../ask.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { cost, reasonLines, requestDocument, tokens } from "../request-words.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { comesWhole, trialBody, trialOperation } from "./trial-body.ts";

interface TestOptions {
  readonly model?: string;
  readonly operation?: Operation;
  readonly stream?: boolean;
  readonly json?: boolean;
}

export async function testProvider(provider: string, options: TestOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, { ownSignals: true }, async (fleet) => {
    const model = `${provider}/${options.model ?? defaultModelOf(fleet.config, provider)}`;
    const operation = options.operation ?? trialOperation(fleet.config, provider, model);
    const stream = options.stream === true && !comesWhole(operation);
    if (stream !== (options.stream === true)) shell.note(`(there are no streams of ${operation}: it comes whole)`);
    const body = await trialBody(operation, model, stream);
    const began = performance.now();
    const asked = await ask(fleet, shell, { body, tenant: fleet.config.tenant, priority: "interactive" });
    tell(shell, provider, asked, performance.now() - began);
  });
}

function defaultModelOf(config: Config, provider: string): string {
  const entry = config.catalog.entries.get(provider);
  if (entry !== undefined) return entry.defaultModel;
  throw new CommandFailed(
    `No provider is called ${provider}. Providers: ${[...config.credentials.keys()].join(", ")}.`,
    exitCodes.usage,
  );
}

function tell(shell: Shell, provider: string, { request, attempts, shown }: Asked, totalMs: number): void {
  const last = attempts.at(-1);
  const passed = request.state === "succeeded" && request.result?.provider === provider;
  shell.result({ passed, total_ms: Math.round(totalMs), request: requestDocument(request, attempts) });
  if (!passed) process.exitCode = exitCodes.failure;
  if (request.result !== undefined && request.result.text !== "" && !shown) shell.line(request.result.text);
  shell.line(passed ? `${provider} answers.` : `${provider} did not answer.`);
  for (const line of reasonLines(request)) shell.line(`  ${line}`);
  if (request.result !== undefined && last !== undefined) {
    shell.line(`  model        ${request.result.model}`);
    shell.line(`  call         ${span(last.durationMs)}, with the queue ${span(totalMs)}`);
    shell.line(`  first token  ${last.firstTokenMs === null ? "- (not streamed)" : span(last.firstTokenMs)}`);
    for (const line of [...broughtLines(request.result), usageLine(last)]) shell.line(line);
    shell.line(`  cost         ${cost(last)}`);
    shell.line(`  finish       ${request.result.finish.unified} (${request.result.finish.raw})`);
  }
  shell.line(`  request      ${request.id} (recorded like any other)`);
}

/** What is no text. */
function broughtLines({ embeddings, transcript, audio }: Result): string[] {
  const [vector] = embeddings ?? [];
  return [
    ...(vector === undefined ? [] : [`  vector       ${count(vector.length)} numbers`]),
    ...(audio === undefined ? [] : [`  sound        ${count(audio.bytes)} bytes of ${audio.mediaType}`]),
    ...(transcript?.language === undefined ? [] : [`  language     ${transcript.language}`]),
  ];
}

function usageLine({ usage, inputTokens, outputTokens }: AttemptView): string {
  if (usage.audioSeconds !== undefined) return `  length       ${span(usage.audioSeconds * 1_000)} of sound`;
  if (usage.characters !== undefined) return `  length       ${count(usage.characters)} characters`;
  return `  tokens       ${tokens(inputTokens)} in, ${tokens(outputTokens)} out`;
}
