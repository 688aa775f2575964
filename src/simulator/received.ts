import type { Ask } from "./answer.ts";
import { digest } from "./digest.ts";
import { keyRefusal } from "./keys.ts";
import { classOf, type SimulatorSettings } from "./options.ts";
import type { Refusal } from "./refusal.ts";
import { tokensIn } from "./text.ts";
import type { Arrival, Wire } from "./wire.ts";

/** A call that makes sense: the key is good, the body is whole, the model exists. */
export interface Call {
  readonly key: string;
  readonly ask: Ask;
  readonly modelClass: string;
  readonly textDigest: number;
  readonly inputTokens: number;
}

/** What is known about a refused call goes into the ledger too. */
export type Received =
  | { readonly ok: true; readonly call: Call }
  | { readonly ok: false; readonly refusal: Refusal; readonly ask?: Ask };

/** A body as it came; `undefined` when it was larger than is allowed. */
export type RequestBody = string | undefined;

/** Reads a call as the vendor would: first the key, then the body, then the model. */
export function receive(settings: SimulatorSettings, wire: Wire, arrival: Arrival, body: RequestBody): Received {
  const key = wire.keyOf(arrival);
  const refused = keyRefusal(settings, key);
  if (refused !== undefined || key === undefined) return { ok: false, refusal: refused ?? { kind: "no-key" } };
  if (body === undefined) {
    return { ok: false, refusal: { kind: "too-large", limitBytes: settings.bodyLimitBytes } };
  }
  const json = parsed(body);
  if (!json.ok) return { ok: false, refusal: { kind: "unreadable" } };
  const reading = wire.read(json.value, arrival);
  if (!reading.ok) return reading;
  const { ask } = reading;
  const modelClass = classOf(settings, wire.vendor, ask.model);
  if (modelClass === undefined) return { ok: false, refusal: { kind: "unknown-model", model: ask.model }, ask };
  const textDigest = digest(ask.text, settings.seed);
  return { ok: true, call: { key, ask, modelClass, textDigest, inputTokens: tokensIn(ask.text) } };
}

function parsed(body: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch {
    return { ok: false };
  }
}
