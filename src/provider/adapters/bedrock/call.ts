/**
 * One call of Converse or ConverseStream.
 *  - `messageStop` is the terminal event; the usage follows it, and an answer that breaks in between has unknown usage.
 *  - A tool call that the output limit cut in two is the request's failure: another try would be cut as well.
 */
import { z } from "zod";
import type { Failure } from "../../../request/failure.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import type { Usage } from "../../../request/usage.ts";
import { answered, type SideReport } from "../../call-outcome.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf, answersOf } from "../../sdk-answer.ts";
import { answerFrom, type Block, blocksOf, finishOf, tokens } from "./answer.ts";
import { assembleBlocks } from "./blocks.ts";
import type { Opened } from "./client.ts";
import { objectionTo } from "./content.ts";
import { correlating } from "./correlation.ts";
import { converseInput } from "./request.ts";

export async function converse(
  open: () => Promise<Opened>,
  input: CallInput,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const objection = objectionTo(input.body);
  if (objection !== undefined) return fail.because({ kind: "client", message: objection, code: "unsupported" });
  if (io.signal.aborted) return fail.because({ kind: "network", message: "not sent" });
  return input.stream ? callStreamed(open, input, io, fail) : callWhole(open, input, io, fail);
}

async function callWhole(
  open: () => Promise<Opened>,
  input: CallInput,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const answer = await answerOf(async () => {
    const { sdk, client } = await open();
    const command = new sdk.ConverseCommand(converseInput(input));
    if (input.correlation !== undefined) command.middlewareStack.add(correlating(input.correlation), { step: "build" });
    return client.send(command, { abortSignal: io.signal });
  });
  if (!answer.ok) return fail.thrown(answer.error);
  const { output, stopReason, usage, $metadata } = answer.value;
  const side = { providerRequestId: $metadata.requestId };
  const blocks = blocksOf(output);
  if (blocks === undefined) return fail.because({ kind: "server", message: "the answer cannot be read" }, side);
  return concluded(blocks, stopReason, tokens(usage), input, fail, side);
}

async function callStreamed(
  open: () => Promise<Opened>,
  input: CallInput,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  // Leaving the SDK's stream does not end its socket.
  const left = new AbortController();
  const abortSignal = AbortSignal.any([io.signal, left.signal]);
  const opened = await answerOf(async () => {
    const { sdk, client } = await open();
    const command = new sdk.ConverseStreamCommand(converseInput(input));
    if (input.correlation !== undefined) command.middlewareStack.add(correlating(input.correlation), { step: "build" });
    return client.send(command, { abortSignal });
  });
  if (!opened.ok) return fail.thrown(opened.error);
  const { stream, $metadata } = opened.value;
  const side = { providerRequestId: $metadata.requestId };
  if (stream === undefined) return fail.because({ kind: "server", message: "the answer is no stream" }, side);
  try {
    return await readStream(stream, input, io, fail, side);
  } finally {
    left.abort();
  }
}

async function readStream(
  stream: AsyncIterable<unknown>,
  input: CallInput,
  io: CallIo,
  fail: Failing,
  side: SideReport,
): Promise<CallOutcome> {
  const assembly = assembleBlocks(io.onDelta);
  let stopReason: string | undefined;
  let usage: Usage = {};
  for await (const step of answersOf(stream)) {
    io.onActivity();
    if (!step.ok && stopReason !== undefined) break;
    if (!step.ok) return fail.thrown(step.error, side);
    const event = eventSchema.safeParse(step.value);
    if (!event.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side);
    const { contentBlockStart: start, contentBlockDelta: piece, contentBlockStop: stop } = event.data;
    const { messageStop, metadata } = event.data;
    if (metadata) usage = tokens(metadata.usage);
    if (stopReason !== undefined) continue;
    if (start) assembly.start(start.contentBlockIndex ?? 0, start.start);
    if (piece) assembly.piece(piece.contentBlockIndex ?? 0, piece.delta);
    if (stop) assembly.stop(stop.contentBlockIndex ?? 0);
    stopReason = messageStop?.stopReason;
  }
  if (stopReason === undefined) {
    return fail.because({ kind: "stream", message: "the stream ended without messageStop" }, { ...side, usage });
  }
  return concluded(assembly.blocks(), stopReason, usage, input, fail, side);
}

const eventSchema = z.object({
  contentBlockStart: z
    .object({
      contentBlockIndex: z.number().optional(),
      start: z.object({ toolUse: z.object({ toolUseId: z.string(), name: z.string() }).optional() }).optional(),
    })
    .optional(),
  contentBlockDelta: z
    .object({
      contentBlockIndex: z.number().optional(),
      delta: z
        .object({
          text: z.string().optional(),
          toolUse: z.object({ input: z.string().optional() }).optional(),
          reasoningContent: z
            .object({
              text: z.string().optional(),
              signature: z.string().optional(),
              redactedContent: z.instanceof(Uint8Array).optional(),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  contentBlockStop: z.object({ contentBlockIndex: z.number().optional() }).optional(),
  messageStop: z.object({ stopReason: z.string().default("") }).optional(),
  metadata: z.object({ usage: z.unknown().optional() }).optional(),
});

/** What a finished answer comes to. */
function concluded(
  blocks: readonly Block[],
  reason: string | undefined,
  usage: Usage,
  input: CallInput,
  fail: Failing,
  side: SideReport,
): CallOutcome {
  const finish = finishOf(reason);
  const refuse = (failure: Failure) => fail.because(failure, { ...side, usage });
  if (finish.raw === "malformed_model_output" || finish.raw === "malformed_tool_use") {
    return refuse({ kind: "server", message: `the model's output is broken: ${finish.raw}`, code: finish.raw });
  }
  const answer = answerFrom(blocks);
  if (answer === undefined && finish.unified === "length") {
    return refuse({ kind: "client", message: "the output limit cut a tool call in two", code: finish.raw });
  }
  if (answer === undefined)
    return refuse({ kind: "server", message: "a tool call has no JSON object for its arguments" });
  const isExpected = blocks.length > 0 || input.body.messages.at(-1)?.role === "tool";
  if (!isExpected && (finish.raw === "end_turn" || finish.raw === "")) {
    return refuse({ kind: "server", message: "the answer is empty" });
  }
  return answered(answer, finish, usage, side);
}
