import type OpenAI from "openai";
import type { Body, ChatBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { failed, secretsOf } from "../../call-outcome.ts";
import { type Failing, failing } from "../../failing.ts";
import { probeOutcome } from "../../probe.ts";
import type { CallInput, CallIo, Connection } from "../../provider.ts";
import { callWhole } from "./chat-answer.ts";
import { chatProblem } from "./chat-problem.ts";
import { callStreamed } from "./chat-stream.ts";
import type { CredentialSource } from "./credential.ts";
import type { Dialect } from "./dialect.ts";
import { callEmbedding } from "./embedding.ts";
import { errors } from "./failure.ts";
import type { Line } from "./line.ts";
import { respondStreamed, respondWhole } from "./response-call.ts";
import { responseProblem } from "./response-problem.ts";

export interface ConnectionParts {
  readonly client: OpenAI;
  readonly dialect: Dialect;
  readonly credentials: CredentialSource;
  /** Which bodies go to the Responses API; absent: none. */
  readonly responds?: (model: string, body: ChatBody) => boolean;
  readonly embeds: boolean;
  /** A list that needs the key, for the probe. */
  readonly list?: { readonly path: string; readonly field: string };
}

const models = { path: "/models", field: "data" };

/** A connection to whoever speaks OpenAI's wire. */
export function openConnection({
  client,
  dialect,
  credentials,
  responds,
  embeds,
  list = models,
}: ConnectionParts): Connection {
  const call = async (
    io: CallIo,
    body: Body | undefined,
    send: (line: Line, fail: Failing) => Promise<CallOutcome>,
  ): Promise<CallOutcome> => {
    const found = await credentials(io.signal);
    if (!found.ok) return failed(found.failure, secretsOf("", body));
    const { credential } = found;
    return send({ client, dialect, credential }, failing(errors, io.signal, credential.secret, body));
  };
  return {
    chat: (input, io) =>
      call(io, input.body, (line, fail) => chat(line, input, io, fail, responds?.(input.model, input.body) ?? false)),
    ...(embeds
      ? { embedding: (input, io) => call(io, input.body, (line, fail) => callEmbedding(line, input, io, fail)) }
      : {}),
    probe: (io) =>
      call(io, undefined, ({ credential: { headers } }, fail) =>
        probeOutcome(() => client.get(list.path, { signal: io.signal, headers }).asResponse(), list.field, fail),
      ),
  };
}

async function chat(line: Line, input: CallInput, io: CallIo, fail: Failing, responds: boolean): Promise<CallOutcome> {
  const problem = responds ? responseProblem(input.body) : chatProblem(input.body, line.dialect);
  if (problem !== undefined) return fail.because({ kind: "client", message: problem });
  if (responds) return input.stream ? respondStreamed(line, input, io, fail) : respondWhole(line, input, io, fail);
  return input.stream ? callStreamed(line, input, io, fail) : callWhole(line, input, io, fail);
}
