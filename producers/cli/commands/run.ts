/** `millrace run "prompt"`: one request through the queue, and its answer. */
import { text } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { promptBody } from "../../../src/request/body.ts";
import { type Priority, priorityNames } from "../../../src/request/priority.ts";
import { type Asked, ask } from "../ask.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { attemptLines, costWords, reasonLines, requestDocument } from "../request-words.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { tenantOf, withJson } from "./batch-options.ts";

interface RunOptions {
  readonly model: string;
  readonly priority: Priority;
  readonly tenant?: string;
  readonly stream?: boolean;
  readonly json?: boolean;
}

export function registerRun(program: Command): void {
  const command = program
    .command("run")
    .description("one request, its answer on stdout; without a worker it works for itself")
    .argument("<prompt>", "the prompt; - reads it from standard input")
    .option("--model <model>", "a model, provider/model, or a name of millrace.yaml", "default")
    .option("--stream", "show the text as it comes")
    .addOption(
      new Option("--priority <class>", "the request's class")
        .choices(priorityNames)
        .default("interactive" satisfies Priority),
    )
    .option("--tenant <tenant>", "who pays", tenantOf);
  withJson(command).action(run);
}

async function run(given: string, options: RunOptions): Promise<void> {
  const shell = openShell(options);
  const prompt = given === "-" ? await text(process.stdin) : given;
  if (prompt.trim() === "") throw new CommandFailed("The prompt is empty.", exitCodes.usage);
  await withFleet(shell, { ownSignals: true }, async (fleet) => {
    const asked = await ask(fleet, shell, {
      body: { ...promptBody(options.model, prompt), ...(options.stream === true ? { stream: true } : {}) },
      tenant: options.tenant ?? fleet.config.tenant,
      priority: options.priority,
    });
    tell(shell, asked);
  });
}

function tell(shell: Shell, { request, attempts, shown }: Asked): void {
  shell.result(requestDocument(request, attempts));
  if (request.state === "succeeded" && request.result !== undefined) {
    if (!shown) shell.line(request.result.text);
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
  process.exitCode = exitCodes.failure;
}
