/** OpenAI's Responses API: one response, whole or streamed. */
import type { CallOutcome } from "../../../request/outcome.ts";
import { jsonOrText } from "../../error-answer.ts";
import { openEventStream } from "../../event-stream.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf } from "../../sdk-answer.ts";
import { sideOf } from "./failure.ts";
import { type Line, sendOptions } from "./line.ts";
import { responseOutcome, responseSchema } from "./response-answer.ts";
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
  const { headers } = opened;
  const readEvent = readResponseEvent(dialect.provider);
  const heard = await opened.read((data) => {
    const event = readEvent(jsonOrText(data));
    switch (event.kind) {
      case "delta":
        io.onDelta(event.delta);
        return undefined;
      case "end":
        return responseOutcome(event.response, { headers }, dialect.provider, fail);
      case "error":
        return fail.refused({ body: { error: event.error }, headers });
      case "unreadable":
        return fail.because({ kind: "server", message: "an event cannot be read" }, sideOf(headers));
      case "other":
        return undefined;
    }
  });
  if (!heard.ok) return fail.thrown(heard.error, sideOf(headers));
  const endless = { kind: "stream", message: "the stream ended without response.completed" } as const;
  return heard.value ?? fail.because(endless, sideOf(headers));
}
