/** Calls to Vertex over fetch: leave is got for each, and what it needs is bound to it. */
import type { ChatBody, EmbeddingBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { known } from "../../../runtime/known.ts";
import { jsonOrText } from "../../error-answer.ts";
import { type Failing, failing } from "../../failing.ts";
import { probeOutcome } from "../../probe.ts";
import type { CallInput, CallIo, ConnectionSettings } from "../../provider.ts";
import { openSockets } from "../../transport.ts";
import { listAddress, modelAddress, usualBaseUrl } from "./address.ts";
import { openCredential } from "./credential.ts";
import { errors, NoToken, RefusedAnswer } from "./errors.ts";

/** What one call needs. */
export interface Leave {
  readonly fail: Failing;
  /** Posts to the model. Rejects with RefusedAnswer for whatever is no success, and with what fetch throws. */
  post(verb: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

type Run<Asked extends ChatBody | EmbeddingBody> = (
  leave: Leave,
  input: CallInput<Asked>,
  io: CallIo,
) => Promise<CallOutcome>;

export interface Line {
  call<Asked extends ChatBody | EmbeddingBody>(
    input: CallInput<Asked>,
    io: CallIo,
    run: Run<Asked>,
  ): Promise<CallOutcome>;
  probe(io: CallIo): Promise<CallOutcome>;
}

export function openLine({ apiKey, baseUrl, more = {} }: ConnectionSettings): Line {
  const { project, location = "global" } = more;
  // Without a file the project is what says that there is a credential.
  const credential = openCredential(apiKey === project ? undefined : apiKey, project);
  const at = (baseUrl ?? usualBaseUrl(location)).replace(/\/+$/, "");
  const dispatcher = openSockets();

  const leaveFor = async (io: CallIo, body?: ChatBody | EmbeddingBody) => {
    const answer = await credential.authorized(io.signal);
    const fail = failing(errors, io.signal, answer.ok ? answer.value.token : "", body);
    return answer.ok
      ? { ok: true as const, fail, authorization: answer.value }
      : { ok: false as const, outcome: fail.thrown(new NoToken("no access token", { cause: answer.error })) };
  };

  return {
    async call(input, io, run) {
      const leave = await leaveFor(io, input.body);
      if (!leave.ok) return leave.outcome;
      const { fail, authorization } = leave;
      const owner = project ?? authorization.project;
      if (owner === undefined) return fail.because({ kind: "auth", message: "no project: set GOOGLE_CLOUD_PROJECT" });
      const place = { baseUrl: at, project: owner, location };
      const usual = { "content-type": "application/json", ...known({ "x-millrace-request": input.correlation }) };
      const post: Leave["post"] = async (verb, body, headers = {}) => {
        const response = await fetch(modelAddress(place, input.model, verb), {
          method: "POST",
          headers: withHeaders(authorization.headers, { ...usual, ...headers }),
          body: JSON.stringify(body),
          redirect: "manual", // a redirect would take the token along
          signal: io.signal,
          dispatcher,
        });
        if (response.ok) return response;
        const words = jsonOrText(await response.text());
        throw new RefusedAnswer({ status: response.status, body: words, headers: response.headers });
      };
      return run({ fail, post }, input, io);
    },
    async probe(io) {
      const leave = await leaveFor(io);
      if (!leave.ok) return leave.outcome;
      const headers = withHeaders(leave.authorization.headers, known({ "x-goog-user-project": project }));
      const sent: RequestInit = { headers, redirect: "manual", signal: io.signal, dispatcher };
      return probeOutcome(() => fetch(listAddress({ baseUrl: at }), sent), "publisherModels", leave.fail);
    },
  };
}

function withHeaders(headers: Headers, more: Readonly<Record<string, string>>): Headers {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(more)) all.set(name, value);
  return all;
}
