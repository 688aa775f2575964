/** `millrace request show|cancel`. */
import type { Command } from "commander";
import { z } from "zod";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { bodyOf } from "../../../src/ledger/bodies.ts";
import { attemptsOf, cancelRequest, type RequestView, requestById } from "../../../src/ledger/requests.ts";
import type { Body } from "../../../src/request/body.ts";
import { priorityName } from "../../../src/request/priority.ts";
import { CommandFailed } from "../exit.ts";
import { attemptLines, costWords, keptLines, reasonLines, requestDocument } from "../request-words.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { withJson } from "./batch-options.ts";

interface ShowOptions {
  readonly content?: boolean;
  readonly json?: boolean;
}

export function registerRequest(program: Command): void {
  const command = program.command("request").description("single requests");
  const showCommand = command
    .command("show")
    .description("state, calls and cost of a request")
    .argument("<id>")
    .option("--content", "with prompt and answer");
  withJson(showCommand).action(show);
  withJson(command.command("cancel").description("cancels a request that has not ended").argument("<id>")).action(
    cancel,
  );
}

async function show(id: string, options: ShowOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const request = await find(fleet, id);
    const attempts = await attemptsOf(fleet.ledger, request.id);
    const body = options.content === true ? await bodyOf(fleet.ledger, request.id) : undefined;
    const { result, ...rest } = requestDocument(request, attempts);
    const answer = result === null ? null : options.content === true ? result : { ...result, text: undefined };
    shell.result({ ...rest, result: answer, answer_characters: result?.text.length ?? null, ...(body && { body }) });

    shell.line(`${request.id}  ${request.state}${inTime(request)}`);
    shell.line(`  model     ${request.model} (${request.deployment}, lane ${request.lane})`);
    shell.line(`  class     ${priorityName(request.priority)}, tenant ${request.tenant}${ofBatch(request)}`);
    shell.line(`  cost      ${costWords(attempts)}`);
    if (result !== null)
      shell.line(
        `  answer    ${result.text.length} characters, finish ${result.finish.unified} (${result.finish.raw})`,
      );
    for (const line of reasonLines(request)) shell.line(`  why       ${line}`);
    for (const line of attemptLines(attempts)) shell.line(`  call      ${line}`);
    for (const line of keptLines(request)) shell.line(`  kept      ${line}`);
    if (options.content === true) showContent(shell, body, request);
    else if (result !== null) shell.line("  (prompt and answer: --content)");
  });
}

const inTime = ({ createdAt, finishedAt }: RequestView): string =>
  finishedAt === undefined
    ? `, accepted ${createdAt.toISOString()}`
    : ` ${finishedAt.toISOString()}, ${finishedAt.getTime() - createdAt.getTime()} ms after it was accepted`;

const ofBatch = ({ batchId }: RequestView): string => (batchId === undefined ? "" : `, batch ${batchId}`);

function showContent(shell: Shell, body: Body | undefined, request: RequestView): void {
  if (body?.system !== undefined) shell.line(`\n[system]\n${body.system}`);
  for (const { role, content } of body?.messages ?? []) {
    shell.line(`\n[${role}]\n${content.map((part) => part.text).join("")}`);
  }
  if (request.result !== undefined) shell.line(`\n[answer]\n${request.result.text}`);
}

async function cancel(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const request = await find(fleet, id);
    const cancelled = await cancelRequest(fleet.ledger, request.id);
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
