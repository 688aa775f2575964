/** A request looked at as a response of OpenAI's. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import { bodyOf } from "../../src/ledger/bodies.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { RequestView } from "../../src/ledger/requests.ts";
import { isChat } from "../../src/request/body.ts";
import type { RequestState } from "../../src/request/lifecycle.ts";
import type { ResponseState, ResponseTerms } from "../wire/openai-response.ts";
import { requestOfItem } from "../wire/openai-response-output.ts";
import { createdSecondsOf, usageOf } from "./attended.ts";
import type { Caller } from "./callers.ts";
import { problemOfEnd } from "./ended-problem.ts";
import { withPatience } from "./errors.ts";
import type { Problem } from "./problem.ts";
import { find } from "./requests.ts";
import { errorOf } from "./response-wire.ts";

export interface FoundResponse {
  readonly view: RequestView;
  readonly terms: ResponseTerms;
}

/** Undefined for ids that are not ours, for other tenants' requests, and for what is no conversation. */
export async function findResponse(fleet: Fleet, caller: Caller, id: string): Promise<FoundResponse | undefined> {
  const requestId = id.startsWith("resp_") ? requestOfItem(id) : undefined;
  const view = requestId === undefined ? undefined : await find(fleet, caller, requestId);
  if (view === undefined) return undefined;
  const body = await withPatience(bodyOf(fleet.ledger, view.id));
  if (body !== undefined && !isChat(body)) return undefined;
  return { view, terms: { id: view.id, createdSeconds: createdSecondsOf(view.id), body, isBackground: false } };
}

const statuses: Readonly<
  Record<Exclude<RequestState, "succeeded" | "failed">, "queued" | "in_progress" | "cancelled">
> = {
  queued: "queued",
  dispatched: "queued",
  waiting: "queued",
  held: "queued",
  running: "in_progress",
  cancelled: "cancelled",
};

export async function stateOf(ledger: Ledger, view: RequestView): Promise<ResponseState> {
  const { state, model, result } = view;
  if (state !== "succeeded" && state !== "failed") return { status: statuses[state], model };
  if (result !== undefined) return { status: "ended", result, usage: await usageOf(ledger, view) };
  return {
    status: "failed",
    model,
    error: errorOf(problemOfEnd(view) ?? { status: 500, message: "It has no answer." }),
  };
}

export const noResponse = (id: string): Problem => ({
  status: 404,
  type: "invalid_request_error",
  code: "response_not_found",
  message: `No response has the id ${JSON.stringify(id.slice(0, 100))}.`,
  param: "id",
});
