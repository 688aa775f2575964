import type { CallOutcome } from "../../../request/outcome.ts";
import { jsonOrText } from "../../error-answer.ts";
import { openEventStream } from "../../event-stream.ts";
import type { Failing } from "../../failing.ts";
import type { CallIo } from "../../provider.ts";
import { gathering } from "./gathering.ts";

/** A streamed answer in Gemini's wire, wherever `send` asks for it. `thinker` is kept with each thought. */
export async function streamedAnswer(
  send: () => PromiseLike<Response>,
  thinker: string,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const opened = await openEventStream(send, io, fail);
  if (!opened.ok) return opened.outcome;
  const answer = gathering({ thinker, fail, onDelta: (delta) => io.onDelta(delta), headers: opened.headers });
  const heard = await opened.read((data) => answer.take(jsonOrText(data)));
  if (!heard.ok && !answer.isFinished) return fail.thrown(heard.error, answer.broken());
  return (heard.ok ? heard.value : undefined) ?? answer.ended();
}
