/** OpenAI's Responses API: one response, whole or streamed. */
import { Stream } from "openai/core/streaming";
import type { CallOutcome } from "../../../request/outcome.ts";
import { openEventStream } from "../../event-stream.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf, answersOf } from "../../sdk-answer.ts";
import { sideOf } from "./failure.ts";
import { type Line, sendOptions } from "./line.ts";
import { responseOutcome, responseSchema, type WireResponse } from "./response-answer.ts";
import { responseBody } from "./response-body.ts";
import { readResponseEvent } from "./response-event.ts";

export async function respondWhole(line: Line, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const { client, dialect, credential } = line;
  const sent = { ...sendOptions(input, credential, io.signal), body: responseBody(input, dialect) };
  const answer = await answerOf(() => client.post<unknown>("/responses", sent).withResponse());
  if (!answer.ok) return fail.thrown(answer.error);
  const { data, response } = answer.value;
  const { status, headers } = response;
  const wire = responseSchema.safeParse(data);
  return wire.success
    ? responseOutcome(wire.data, { status, headers }, dialect.provider, fail)
    : fail.refused({ status, body: data, headers });
}

/** The last event brings the whole response again: that one counts. */
export async function respondStreamed(line: Line, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const { client, dialect, credential } = line;
  const sent = { ...sendOptions(input, credential, io.signal), body: responseBody(input, dialect), stream: true };
  const opened = await openEventStream(() => client.post("/responses", sent).asResponse(), io, fail);
  if (!opened.ok) return opened.outcome;
  const { headers } = opened.response;
  const read = readResponseEvent();
  let ended: WireResponse | undefined;
  const events = Stream.fromSSEResponse<unknown>(opened.response, new AbortController(), client);
  for await (const step of answersOf(events)) {
    if (ended !== undefined) {
      if (!step.ok) break;
      continue;
    }
    if (!step.ok) return fail.thrown(step.error, sideOf(headers));
    const event = read(step.value);
    switch (event.kind) {
      case "delta":
        io.onDelta(event.delta);
        break;
      case "end":
        ended = event.response;
        break;
      case "error":
        return fail.refused({ body: { error: event.error }, headers });
      case "unreadable":
        return fail.because({ kind: "server", message: "an event cannot be read" }, sideOf(headers));
      case "other":
        break;
    }
  }
  return ended === undefined
    ? fail.because({ kind: "stream", message: "the stream ended without response.completed" }, sideOf(headers))
    : responseOutcome(ended, { headers }, dialect.provider, fail);
}
