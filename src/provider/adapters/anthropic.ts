/** Anthropic's Messages API through @anthropic-ai/sdk. What is sent, what is read and what errors mean: see anthropic/. */
import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIError } from "@anthropic-ai/sdk";
import { type ErrorKnowledge, failing } from "../failing.ts";
import { probeOutcome } from "../probe.ts";
import type { Provider } from "../provider.ts";
import { openSockets, sdkTimeoutMs } from "../transport.ts";
import { connectionTimedOut, transportFailure } from "../transport-failure.ts";
import { callMessages } from "./anthropic/call.ts";
import { classify, sideOf } from "./anthropic/errors.ts";

export { classify } from "./anthropic/errors.ts";

export const anthropic: Provider = {
  id: "anthropic",
  environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: ["ANTHROPIC_BASE_URL"] },
  operations: ["chat"],
  connect({ apiKey, baseUrl }) {
    const client = new Anthropic({
      apiKey,
      baseURL: baseUrl ?? "https://api.anthropic.com",
      maxRetries: 0,
      timeout: sdkTimeoutMs,
      logLevel: "off", // its log prints prompts and answers
      openTelemetry: false, // the spans are ours
      fetchOptions: { dispatcher: openSockets() },
    });
    return {
      chat(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        const send = (body: Record<string, unknown>, headers: Readonly<Record<string, string>>) =>
          client.post("/v1/messages", { body, headers, signal: io.signal }).asResponse();
        return callMessages({ owner: "anthropic", send }, input, io, fail);
      },
      probe(io) {
        const send = () => client.models.list({ limit: 1 }, { signal: io.signal }).asResponse();
        return probeOutcome(send, "data", failing(errors, io.signal, apiKey));
      },
    };
  },
};

const errors: ErrorKnowledge = {
  classify,
  sideOf,
  unpack(error) {
    if (error instanceof APIConnectionTimeoutError) return { failure: connectionTimedOut };
    if (error instanceof APIConnectionError) return { failure: transportFailure(error.cause ?? error) };
    if (!(error instanceof APIError) || (error.status === undefined && error.error === undefined)) {
      return { failure: transportFailure(error) };
    }
    const body = error.error ?? error.message.replace(/^\d{3} /, "");
    return { answer: { status: error.status, body, headers: error.headers ?? new Headers() } };
  },
};
