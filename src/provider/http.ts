/**
 * HTTP for a vendor without an SDK here: one call of `send` is one HTTP request, never made again. Redirects are not
 * followed, for the key would go along.
 */
import type { z } from "zod";
import type { CallOutcome } from "../request/outcome.ts";
import { known } from "../runtime/known.ts";
import { jsonOrText } from "./error-answer.ts";
import type { ErrorKnowledge, Failing } from "./failing.ts";
import { answerOf } from "./sdk-answer.ts";
import { openSockets } from "./transport.ts";
import { transportFailure } from "./transport-failure.ts";

export interface HttpRequest {
  readonly method?: "GET" | "POST";
  /** Behind the base URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<RequestInit["body"]>;
  /** Sent as `x-millrace-request`. */
  readonly correlation?: string | undefined;
}

/** Rejects with what fetch throws; an answer of any status is an answer. */
export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<Response>;

/** `headers` go with every request. Keeps sockets alive between them. */
export function openHttp(baseUrl: string, headers: Readonly<Record<string, string>>): Send {
  const dispatcher = openSockets();
  const base = baseUrl.replace(/\/+$/, "");
  return ({ method = "POST", path, headers: more = {}, body, correlation }, signal) =>
    fetch(`${base}${path}`, {
      method,
      headers: { ...headers, ...more, ...known({ "x-millrace-request": correlation }) },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal,
      dispatcher,
    });
}

export const jsonRequest = (path: string, body: object, correlation?: string): HttpRequest => ({
  path,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
  correlation,
});

/** Of what fetch throws, which holds no words of the provider's. */
export const unpackFetch: ErrorKnowledge["unpack"] = (error) => ({ failure: transportFailure(error) });

export type Received<Value> =
  | { readonly ok: true; readonly value: Value; readonly headers: Headers }
  | { readonly ok: false; readonly outcome: CallOutcome };

/** A JSON answer of a shape. An error, whatever its status, a page and JSON of another shape are failures. */
export async function receiveJson<Value>(
  send: () => Promise<Response>,
  shape: z.ZodType<Value>,
  fail: Failing,
): Promise<Received<Value>> {
  const answer = await answerOf(async () => {
    const response = await send();
    return { response, body: jsonOrText(await response.text()) };
  });
  if (!answer.ok) return { ok: false, outcome: fail.thrown(answer.error) };
  const { response, body } = answer.value;
  const { status, headers } = response;
  const read = shape.safeParse(body);
  if (!response.ok || !read.success) return { ok: false, outcome: fail.refused({ status, headers, body }) };
  return { ok: true, value: read.data, headers };
}
