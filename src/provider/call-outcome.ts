import type { Body } from "../request/body.ts";
import type { Failure } from "../request/failure.ts";
import type { CallOutcome, LimitReport } from "../request/outcome.ts";
import type { FinishReason } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { failureMessage, type Secrets } from "./failure-message.ts";
import { known } from "./known.ts";

/** What an answer says beside itself, good or bad. */
export interface SideReport {
  readonly usage?: Usage | undefined;
  readonly providerRequestId?: string | null | undefined;
  readonly limits?: LimitReport | undefined;
}

/** A finished answer. One that was withheld to the last word is a failure of the request: an empty text would mislead. */
export function answered(text: string, finish: FinishReason, usage: Usage, side: SideReport): CallOutcome {
  if (finish.unified === "content-filter" && text === "") {
    const message = `the provider withheld its answer: ${finish.raw}`;
    return { ok: false, failure: { kind: "client", message, code: finish.raw }, ...known({ ...side, usage }) };
  }
  return {
    ok: true,
    text,
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

/** What a failure's message must not show: the key, and every text of the prompt. */
export const secretsOf = (apiKey: string, body?: Body): Secrets => ({
  apiKey,
  prompt: [body?.system ?? "", ...(body?.messages ?? []).flatMap((turn) => turn.content.map((part) => part.text))],
});
