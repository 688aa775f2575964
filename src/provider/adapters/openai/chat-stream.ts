import { z } from "zod";
import type { CallOutcome } from "../../../request/outcome.ts";
import { answered } from "../../call-outcome.ts";
import { jsonOrText } from "../../error-answer.ts";
import { openEventStream } from "../../event-stream.ts";
import type { Failing } from "../../failing.ts";
import { growingText } from "../../growing-text.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { chatBody } from "./chat-body.ts";
import { enveloped } from "./error-envelope.ts";
import { sideOf } from "./failure.ts";
import { breakOf, finishOf } from "./finish.ts";
import { type Line, sendOptions } from "./line.ts";
import { partsOf, type Said, saidIn, saidSchema } from "./said.ts";
import { soundOf } from "./sound.ts";
import { collectToolCalls, readCalls } from "./tool-calls.ts";
import { type ChatUsage, chatUsage, chatUsageSchema } from "./usage.ts";

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        index: z.number().optional(),
        delta: saidSchema.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: chatUsageSchema,
  error: z.unknown().optional(),
});

/** One chat completion, streamed. The finish reason is its end: some servers leave `[DONE]` out, and some send the usage between. */
export async function callStreamed(line: Line, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const { client, dialect, credential } = line;
  const sent = { ...sendOptions(input, credential, io.signal), body: chatBody(input, dialect), stream: true };
  const opened = await openEventStream(() => client.post("/chat/completions", sent).asResponse(), io, fail);
  if (!opened.ok) return opened.outcome;
  const { headers } = opened;
  const calls = collectToolCalls();
  const text = growingText();
  const reasoning = growingText();
  const sound: string[] = [];
  let refusal = false;
  let usage: ChatUsage;
  let finish: string | undefined;
  const side = () => ({ ...sideOf(headers), usage: chatUsage(usage, dialect) });
  const heard = await opened.read((data) => {
    if (data.startsWith("[DONE]")) return "done";
    const chunk = chunkSchema.safeParse(jsonOrText(data));
    // What comes after the end takes nothing away from it.
    if (finish !== undefined) {
      usage = chunk.data?.usage ?? usage;
      return undefined;
    }
    if (!chunk.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side());
    if (chunk.data.error) return fail.refused({ body: jsonOrText(enveloped(data)), headers }, side());
    usage = chunk.data.usage ?? usage;
    const choice = chunk.data.choices?.find(({ index }) => (index ?? 0) === 0);
    if (choice?.delta) {
      const piece = saidIn(choice.delta);
      text.add(piece.text);
      reasoning.add(piece.reasoning);
      if (piece.audio !== "") sound.push(piece.audio);
      refusal ||= piece.refused;
      tell(io, piece);
      for (const delta of calls.take(choice.delta.tool_calls)) io.onDelta(delta);
    }
    finish = choice?.finish_reason || undefined;
    return undefined;
  });
  if (!heard.ok && finish === undefined) return fail.thrown(heard.error, side());
  if (heard.ok && typeof heard.value === "object") return heard.value;
  if (finish === undefined) {
    return fail.because({ kind: "stream", message: "the stream ended without finish_reason" }, side());
  }
  const broken = breakOf(finish);
  if (broken) return fail.because({ kind: broken, message: `the answer ended with ${finish}` }, side());
  const read = readCalls(calls.written());
  if (!read.ok) return fail.because({ kind: "server", message: read.message }, side());
  const { provider } = dialect;
  const words = text.text();
  return answered(
    {
      text: words,
      ...partsOf(words, reasoning.text(), read.parts, provider),
      ...soundOf(sound, input.body, provider),
    },
    finishOf(finish, { refusal, calls: read.parts.length > 0 }),
    chatUsage(usage, dialect),
    side(),
  );
}

function tell(io: CallIo, { text, reasoning, audio }: Said): void {
  if (reasoning !== "") io.onDelta({ type: "reasoning", text: reasoning });
  if (text !== "") io.onDelta({ type: "text", text });
  if (audio !== "") io.onDelta({ type: "audio", data: audio });
}
