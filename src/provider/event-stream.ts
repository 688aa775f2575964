import type { CallOutcome } from "../request/outcome.ts";
import { jsonOrText } from "./error-answer.ts";
import type { Failing } from "./failing.ts";
import type { CallIo } from "./provider.ts";
import { answerOf } from "./sdk-answer.ts";

export type OpenedStream =
  /** The answer, every byte of which is reported as a sign of life. */
  { readonly ok: true; readonly response: Response } | { readonly ok: false; readonly outcome: CallOutcome };

/**
 * Opens a stream of server-sent events. `send` makes the HTTP request. An error body or a proxy's page that came with
 * status 200 instead is a failure. Whoever leaves the SDK's stream early cancels the body, and with it the request.
 */
export async function openEventStream(
  send: () => PromiseLike<Response>,
  io: CallIo,
  fail: Failing,
): Promise<OpenedStream> {
  const opened = await answerOf(send);
  if (!opened.ok) return { ok: false, outcome: fail.thrown(opened.error) };
  const response = opened.value;
  if (!/json|html/i.test(response.headers.get("content-type") ?? "")) {
    return { ok: true, response: withSignsOfLife(response, io.onActivity) };
  }
  const text = await answerOf(() => response.text());
  if (!text.ok) return { ok: false, outcome: fail.thrown(text.error) };
  const { status, headers } = response;
  return { ok: false, outcome: fail.refused({ status, body: jsonOrText(text.value), headers }) };
}

/**
 * The SDKs swallow pings and SSE comments, which are all that arrives while a model thinks; without this the idle
 * timeout would cut a live stream.
 */
function withSignsOfLife(response: Response, onActivity: () => void): Response {
  const tap = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      onActivity();
      controller.enqueue(bytes);
    },
  });
  return new Response(response.body?.pipeThrough(tap) ?? null, { status: response.status, headers: response.headers });
}
