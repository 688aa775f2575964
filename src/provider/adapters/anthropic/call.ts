/**
 * One call of the Messages API, whole or streamed, for every provider that speaks it: only `send` differs.
 *  - A refusal without a word is the request's failure, with the reason that the API gives.
 *  - A tool call that the output limit cut in two is the request's failure too: another try would be cut as well.
 *  - `end_turn` without content is an answer after a tool's result only; otherwise it is the server's failure.
 */
import { z } from "zod";
import type { Failure } from "../../../request/failure.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import type { Usage } from "../../../request/usage.ts";
import { answered, type SideReport } from "../../call-outcome.ts";
import { jsonOrText } from "../../error-answer.ts";
import { openEventStream } from "../../event-stream.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf } from "../../sdk-answer.ts";
import { answerFrom, type Block, blockSchema, finishOf } from "./answer.ts";
import { assembleBlocks, deltaSchema, startSchema } from "./blocks.ts";
import { objectionTo } from "./content.ts";
import { wireBody, wireHeaders } from "./request.ts";
import { tokens, usageAtStart, usageLater, usageSchema, type WireUsage } from "./usage.ts";

export interface MessagesWire {
  /** Id of the provider: its options are taken, its thoughts sent back. */
  readonly owner: string;
  /** Makes the HTTP request; an error answer rejects with the SDK's error. */
  send(body: Record<string, unknown>, headers: Readonly<Record<string, string>>): PromiseLike<Response>;
}

export async function callMessages(
  wire: MessagesWire,
  input: CallInput,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const objection = objectionTo(input.body);
  if (objection !== undefined) return fail.because({ kind: "client", message: objection, code: "unsupported" });
  return input.stream ? callStreamed(wire, input, io, fail) : callWhole(wire, input, fail);
}

const detailsSchema = z
  .object({ category: z.string().nullish(), explanation: z.string().nullish() })
  .nullish()
  .catch(undefined);
const messageSchema = z.object({
  type: z.literal("message"),
  content: z.array(blockSchema),
  stop_reason: z.string().nullish(),
  stop_details: detailsSchema,
  usage: usageSchema,
});

async function callWhole(wire: MessagesWire, input: CallInput, fail: Failing): Promise<CallOutcome> {
  const answer = await answerOf(async () => {
    const response = await wire.send(wireBody(input, wire.owner), wireHeaders(input, wire.owner));
    return { response, text: await response.text() };
  });
  if (!answer.ok) return fail.thrown(answer.error);
  const { response, text } = answer.value;
  const { status, headers } = response;
  const message = messageSchema.safeParse(jsonOrText(text));
  if (!message.success) return fail.refused({ status, body: jsonOrText(text), headers });
  const { content, stop_reason: reason, stop_details: details, usage } = message.data;
  return concluded({ blocks: content, reason, details, usage: tokens(usage) }, wire, input, fail, fail.sideOf(headers));
}

const eventSchema = z.object({
  type: z.string(),
  index: z.number().optional(),
  message: z.object({ usage: usageSchema }).optional().catch(undefined),
  content_block: startSchema.optional().catch(undefined),
  delta: deltaSchema
    .partial()
    .extend({ stop_reason: z.string().nullish(), stop_details: detailsSchema })
    .optional()
    .catch(undefined),
  usage: usageSchema,
});

async function callStreamed(wire: MessagesWire, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const body = { ...wireBody(input, wire.owner), stream: true };
  const opened = await openEventStream(() => wire.send(body, wireHeaders(input, wire.owner)), io, fail);
  if (!opened.ok) return opened.outcome;
  const { headers } = opened;
  const assembly = assembleBlocks(wire.owner, io.onDelta);
  let usage: WireUsage = {};
  let end: Pick<Ending, "reason" | "details"> = { reason: undefined, details: undefined };
  const side = () => ({ ...fail.sideOf(headers), usage: tokens(usage) });
  const read = await opened.read((data) => {
    const said = jsonOrText(data);
    const event = eventSchema.safeParse(said);
    if (!event.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side());
    const { type, index = 0, message, delta, content_block: block } = event.data;
    if (type === "error") return fail.refused({ body: said, headers }, side());
    if (type === "message_start") usage = usageAtStart(message?.usage);
    if (type === "content_block_start" && block) assembly.start(index, block);
    if (type === "content_block_delta" && delta?.type) assembly.piece(index, { ...delta, type: delta.type });
    if (type === "content_block_stop") assembly.stop(index);
    if (type === "message_delta") {
      usage = usageLater(usage, event.data.usage);
      end = { reason: delta?.stop_reason, details: delta?.stop_details };
    }
    if (type === "message_stop") {
      return concluded({ ...end, blocks: assembly.blocks(), usage: tokens(usage) }, wire, input, fail, side());
    }
    return undefined;
  });
  if (!read.ok) return fail.thrown(read.error, side());
  return read.value ?? fail.because({ kind: "stream", message: "the stream ended without message_stop" }, side());
}

interface Ending {
  readonly blocks: readonly Block[];
  readonly reason: string | null | undefined;
  readonly details: z.infer<typeof detailsSchema>;
  readonly usage: Usage;
}

/** What a finished answer comes to. */
function concluded(ending: Ending, wire: MessagesWire, input: CallInput, fail: Failing, side: SideReport): CallOutcome {
  const { blocks, reason, details, usage } = ending;
  const finish = finishOf(reason);
  const refuse = (failure: Failure) => fail.because(failure, { ...side, usage });
  const read = answerFrom(blocks, wire.owner);
  if (!read.ok && finish.unified === "length") {
    return refuse({ kind: "client", message: "the output limit cut a tool call in two", code: finish.raw });
  }
  if (!read.ok) return refuse({ kind: "server", message: "a tool call has no JSON object for its arguments" });
  const { answer } = read;
  if (finish.unified === "content-filter" && answer.text === "" && details) {
    const why = [details.category, details.explanation].filter(Boolean).join(": ");
    return refuse({
      kind: "client",
      message: `the provider withheld its answer: ${why || finish.raw}`,
      code: finish.raw,
    });
  }
  const isExpected = blocks.length > 0 || input.body.messages.at(-1)?.role === "tool";
  if (!isExpected && (finish.raw === "end_turn" || finish.raw === "")) {
    return refuse({ kind: "server", message: "the answer is empty" });
  }
  return answered(answer, finish, usage, side);
}
