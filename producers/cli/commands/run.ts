/** `millrace run "prompt"`: one request through the queue, and its answer. */
import { text } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { type Priority, priorityNames } from "../../../src/request/priority.ts";
import type { Result } from "../../../src/request/result.ts";
import { type Asked, ask } from "../ask.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { attemptLines, costWords, reasonLines, requestDocument } from "../request-words.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { tenantOf, withJson } from "./batch-options.ts";
import { type RunBodyOptions, runBody } from "./run-body.ts";

interface RunOptions extends RunBodyOptions {
  readonly priority: Priority;
  readonly tenant?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function registerRun(program: Command): void {
  const command = program
    .command("run")
    .description("one request, its answer on stdout; without a worker it works for itself")
    .argument("<prompt>", "the prompt; - reads it from standard input")
    .option("--model <model>", "a model, provider/model, or a name of millrace.yaml", "default")
    .option("--system <text>", "what the model is told beforehand")
    .option("--image <file|url>", "an image beside the prompt; more than once for several", several)
    .option("--file <file|url>", "a document, sound or video beside the prompt", several)
    .option("--schema <file>", "a JSON Schema that the answer must fit")
    .option("--tool <file>", "a tool that the model may call, as JSON; its calls are the answer", several)
    .addOption(
      new Option("--reasoning <level>", "how much to think").choices(["none", "minimal", "low", "medium", "high"]),
    )
    .option("--stream", "show the text as it comes")
    .option("--verbose", "show also what the model thinks, on stderr")
    .addOption(
      new Option("--priority <class>", "the request's class")
        .choices(priorityNames)
        .default("interactive" satisfies Priority),
    )
    .option("--tenant <tenant>", "who pays", tenantOf);
  withJson(command).action(run);
}

const several = (place: string, before: readonly string[] = []): readonly string[] => [...before, place];

async function run(given: string, options: RunOptions): Promise<void> {
  const shell = openShell(options);
  const prompt = given === "-" ? await text(process.stdin) : given;
  if (prompt.trim() === "") throw new CommandFailed("The prompt is empty.", exitCodes.usage);
  const body = await runBody(prompt, options);
  await withFleet(shell, { ownSignals: true }, async (fleet) => {
    const order = { body, tenant: options.tenant ?? fleet.config.tenant, priority: options.priority };
    tell(shell, await ask(fleet, shell, order, options), options);
  });
}

function tell(shell: Shell, { request, attempts, shown }: Asked, { verbose }: RunOptions): void {
  shell.result(requestDocument(request, attempts));
  if (request.state === "succeeded" && request.result !== undefined) {
    if (!shown) tellAnswer(shell, request.result, verbose === true);
    for (const call of callsIn(request.result)) shell.line(JSON.stringify(call));
    const passed = reasonLines(request);
    for (const line of passed) shell.note(line);
    const { provider, model, finish } = request.result;
    const ended = finish.unified === "stop" ? "" : `, ended by ${finish.unified}`;
    if (process.stderr.isTTY && !shell.json) shell.note(`— ${provider}/${model}, ${costWords(attempts)}${ended}`);
    return;
  }
  shell.note(
    `Request ${request.id} ${request.state === "held" ? "is held and waits for a person" : `has ${request.state}`}.`,
  );
  for (const line of reasonLines(request)) shell.note(`  ${line}`);
  for (const line of attemptLines(attempts)) shell.note(`  ${line}`);
  if (request.rejected !== undefined) shell.line(request.rejected);
  process.exitCode = exitCodes.failure;
}

function tellAnswer(shell: Shell, { text, parts = [] }: Result, verbose: boolean): void {
  const thoughts = parts.flatMap((part) => (part.type === "reasoning" && part.text !== "" ? part.text : []));
  if (verbose) for (const thought of thoughts) shell.note(thought);
  if (text !== "" || !parts.some((part) => part.type === "tool-call")) shell.line(text);
}

const callsIn = ({ parts = [] }: Result) =>
  parts.flatMap((part) => (part.type === "tool-call" ? { id: part.id, name: part.name, input: part.input } : []));
