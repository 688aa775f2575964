/** `millrace request show|cancel`. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { z } from "zod";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { bodyOf } from "../../../src/ledger/bodies.ts";
import { attemptsOf, type RequestView, requestById } from "../../../src/ledger/requests.ts";
import { audioOf } from "../../../src/ledger/result-audio.ts";
import { type Body, isChat, systemText, textsIn } from "../../../src/request/body.ts";
import { isMedia, type Part, textsOf } from "../../../src/request/parts.ts";
import { priorityName } from "../../../src/request/priority.ts";
import { CommandFailed } from "../exit.ts";
import { attemptLines, costWords, keptLines, reasonLines, requestDocument } from "../request-words.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { withJson } from "./batch-options.ts";

interface ShowOptions {
  readonly content?: boolean;
  readonly audio?: string;
  readonly json?: boolean;
}

export function registerRequest(program: Command): void {
  const command = program.command("request").description("single requests");
  const showCommand = command
    .command("show")
    .description("state, calls and cost of a request")
    .argument("<id>")
    .option("--content", "with prompt and answer")
    .option("--audio <file>", "writes the sound of the answer into a file");
  withJson(showCommand).action(show);
  withJson(command.command("cancel").description("cancels a request that has not ended").argument("<id>")).action(
    cancel,
  );
}

async function show(id: string, options: ShowOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const request = await find(fleet, id);
    const sound = options.audio === undefined ? undefined : await saveAudio(fleet, request, options.audio);
    const attempts = await attemptsOf(fleet.ledger, request.id);
    const body = options.content === true ? await bodyOf(fleet.ledger, request.id) : undefined;
    const { result, rejected, ...rest } = requestDocument(request, attempts);
    shell.result({
      ...rest,
      result: result === null || options.content === true ? result : withoutContent(result),
      ...(options.content === true && rejected !== undefined ? { rejected } : {}),
      answer_characters: result?.text.length ?? null,
      ...(body && { body }),
      ...(sound && { audio_file: sound.file }),
    });

    shell.line(`${request.id}  ${request.state}${inTime(request)}`);
    shell.line(`  model     ${request.model} (${request.deployment}, lane ${request.lane})`);
    shell.line(`  class     ${priorityName(request.priority)}, tenant ${request.tenant}${ofBatch(request)}`);
    shell.line(`  cost      ${costWords(attempts)}`);
    if (result !== null)
      shell.line(
        `  answer    ${result.text.length} characters, finish ${result.finish.unified} (${result.finish.raw})`,
      );
    if (request.result?.audio !== undefined)
      shell.line(
        `  sound     ${request.result.audio.bytes} bytes of ${request.result.audio.mediaType}${sound === undefined ? " (--audio FILE)" : `, written to ${sound.file}`}`,
      );
    for (const line of reasonLines(request)) shell.line(`  why       ${line}`);
    for (const line of attemptLines(attempts)) shell.line(`  call      ${line}`);
    for (const line of keptLines(request)) shell.line(`  kept      ${line}`);
    if (options.content === true) showContent(shell, body, request);
    else if (result !== null) shell.line("  (prompt and answer: --content)");
  });
}

async function saveAudio(fleet: Fleet, request: RequestView, file: string): Promise<{ readonly file: string }> {
  const audio = await audioOf(fleet.ledger, request.id);
  if (audio === undefined) {
    throw new CommandFailed(
      `Request ${request.id} (${request.state}) has no sound. See: millrace request show ${request.id}`,
    );
  }
  try {
    await writeFile(file, audio.data);
  } catch (error) {
    throw new CommandFailed(`Cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { file };
}

const withoutContent = (result: object): object => ({
  ...result,
  text: undefined,
  parts: undefined,
  embeddings: undefined,
  transcript: undefined,
});

const inTime = ({ createdAt, finishedAt }: RequestView): string =>
  finishedAt === undefined
    ? `, accepted ${createdAt.toISOString()}`
    : ` ${finishedAt.toISOString()}, ${finishedAt.getTime() - createdAt.getTime()} ms after it was accepted`;

const ofBatch = ({ batchId }: RequestView): string => (batchId === undefined ? "" : `, batch ${batchId}`);

function showContent(shell: Shell, body: Body | undefined, request: RequestView): void {
  if (body !== undefined && isChat(body)) {
    if (body.system !== undefined) shell.line(`\n[system]\n${systemText(body)}`);
    for (const { role, content } of body.messages) shell.line(`\n[${role}]\n${content.map(partWords).join("")}`);
  } else if (body !== undefined) {
    shell.line(`\n[${body.operation}]\n${textsIn(body).join("\n")}`);
  }
  const { result, rejected } = request;
  if (result !== undefined) shell.line(`\n[answer]\n${result.parts?.map(partWords).join("") ?? result.text}`);
  if (rejected !== undefined) shell.line(`\n[rejected: not of the form that was asked for]\n${rejected}`);
}

const partWords = (part: Part): string => {
  const said = textsOf(part).join("");
  if (part.type === "text") return said;
  return isMedia(part) ? `[${part.type}]` : `[${part.type}] ${said}\n`;
};

async function cancel(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const request = await find(fleet, id);
    const cancelled = await fleet.cancel(request.id);
    const { state } = (await requestById(fleet.ledger, request.id)) ?? request;
    if (!cancelled && state !== "cancelled") throw new CommandFailed(`Request ${id} has ${state} already.`);
    shell.result({ id: request.id, state });
    shell.line(
      request.state === "running"
        ? `Cancelled ${request.id}. Its call is stopped within seconds; what it cost until then is recorded.`
        : `Cancelled ${request.id}.`,
    );
  });
}

async function find(fleet: Fleet, id: string): Promise<RequestView> {
  const request = z.uuid().safeParse(id).success ? await requestById(fleet.ledger, id) : undefined;
  if (request === undefined)
    throw new CommandFailed(`No request has the id ${id}. Newest calls: millrace provider logs.`);
  return request;
}
