import type { CallOutcome } from "../request/outcome.ts";
import { jsonOrText } from "./error-answer.ts";
import type { Failing } from "./failing.ts";
import type { CallIo } from "./provider.ts";
import { answerOf, type SdkAnswer } from "./sdk-answer.ts";
import { readEvents } from "./server-events.ts";

export type OpenedStream =
  | {
      readonly ok: true;
      readonly headers: Headers;
      /** Hands the data of each event to `take`, as `readEvents` does; every byte is reported as a sign of life. */
      read<Found>(take: (data: string) => Found | undefined): Promise<SdkAnswer<Found | undefined>>;
    }
  | { readonly ok: false; readonly outcome: CallOutcome };

/**
 * Opens a stream of server-sent events. `send` makes the HTTP request. An error, and an error body or a proxy's page that
 * came with status 200, is a failure. Whoever stops reading early leaves the request.
 */
export async function openEventStream(
  send: () => PromiseLike<Response>,
  io: CallIo,
  fail: Failing,
): Promise<OpenedStream> {
  const opened = await answerOf(send);
  if (!opened.ok) return { ok: false, outcome: fail.thrown(opened.error) };
  const { ok, status, headers, body } = opened.value;
  if (ok && body !== null && !/json|html/i.test(headers.get("content-type") ?? "")) {
    return { ok: true, headers, read: (take) => readEvents(body, () => io.onActivity(), take) };
  }
  const text = await answerOf(() => opened.value.text());
  if (!text.ok) return { ok: false, outcome: fail.thrown(text.error) };
  return { ok: false, outcome: fail.refused({ status, body: jsonOrText(text.value), headers }) };
}
