import { type Body, isChat, partsOf, textsIn } from "../request/body.ts";
import type { Failure } from "../request/failure.ts";
import type { Answer, CallOutcome, LimitReport } from "../request/outcome.ts";
import { isMedia, type Source } from "../request/parts.ts";
import type { FinishReason } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { known } from "../runtime/known.ts";
import { failureMessage, type Secrets } from "./failure-message.ts";

/** What an answer says beside itself, good or bad. */
export interface SideReport {
  readonly usage?: Usage | undefined;
  readonly providerRequestId?: string | null | undefined;
  readonly limits?: LimitReport | undefined;
}

/** A finished answer. One that was withheld to the last word is a failure of the request: an empty text would mislead. */
export function answered(answer: Answer, finish: FinishReason, usage: Usage, side: SideReport): CallOutcome {
  if (finish.unified === "content-filter" && answer.text === "") {
    const message = `the provider withheld its answer: ${finish.raw}`;
    return { ok: false, failure: { kind: "client", message, code: finish.raw }, ...known({ ...side, usage }) };
  }
  return {
    ok: true,
    ...answer,
    finish,
    usage,
    ...known({ providerRequestId: side.providerRequestId, limits: side.limits }),
  };
}

/** A failed call; the message is made fit to be stored. */
export const failed = (failure: Failure, secrets: Secrets, side: SideReport = {}): CallOutcome => ({
  ok: false,
  failure: { ...failure, message: failureMessage(failure.message, secrets) },
  ...known({ usage: side.usage, providerRequestId: side.providerRequestId, limits: side.limits }),
});

/** What a failure's message must not show: the key, every text of the prompt, and addresses, which may be signed. */
export const secretsOf = (apiKey: string, body?: Body): Secrets => ({
  apiKey,
  prompt:
    body === undefined
      ? []
      : [...textsIn(body), ...sourcesIn(body).flatMap((source) => ("url" in source ? source.url : []))],
});

function sourcesIn(body: Body): readonly Source[] {
  if (body.operation === "transcription") return [body.source];
  return isChat(body) ? partsOf(body).flatMap((part) => (isMedia(part) ? [part.source] : [])) : [];
}
