/** What a program asks of the library: the request schema with the request's terms beside it. */
import {
  type Body,
  bodySchema,
  type ChatBody,
  type EmbeddingBody,
  promptBody,
  type SpeechBody,
  type TranscriptionBody,
} from "../../src/request/body.ts";
import type { Priority } from "../../src/request/priority.ts";
import { type Read, read } from "../wire/complaint.ts";

/** How a request is to be run, whatever it asks for. */
export interface Terms {
  /** `standard` unless given; `interactive` goes before everything else. */
  readonly priority?: Priority;
  readonly tenant?: string;
  /** Not started after this many milliseconds: it fails then. */
  readonly deadlineMs?: number;
  /** The same key brings the same request, not a second one. */
  readonly idempotencyKey?: string;
}

/** A model, `provider/model`, a name of millrace.yaml, or `default`. */
type AnyModel = { readonly model?: string };
type Fields<Of extends Body> = Readonly<Omit<Of, "operation" | "model">> & AnyModel;
type ChatFields = Omit<Fields<ChatBody>, "messages">;

/** What is asked. Every field is in docs/requests.md. */
export type Asked =
  | (ChatFields & { readonly operation?: "chat" } & (
        | { readonly prompt: string }
        | { readonly messages: readonly ChatBody["messages"][number][] }
      ))
  | (Fields<EmbeddingBody> & { readonly operation: "embedding" })
  | (Fields<TranscriptionBody> & { readonly operation: "transcription" })
  | (Fields<SpeechBody> & { readonly operation: "speech" });
export type Ask = Terms & Asked;

/** The body that is asked for, or the field that is wrong. */
export function bodyOf(ask: Ask, streamed: boolean): Read<Body> {
  const { priority: _priority, tenant: _tenant, deadlineMs: _deadline, idempotencyKey: _key, ...asked } = ask;
  const { model = "default", ...fields } = { ...asked, ...(streamed ? { stream: true } : {}) };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  if (!("prompt" in given)) return read(bodySchema, { model, ...given });
  const { prompt, ...rest } = given;
  if (typeof prompt !== "string" || prompt === "") return { ok: false, reason: "prompt must be a text, and not empty" };
  if ("messages" in rest) return { ok: false, reason: "prompt or messages must be given, and not both" };
  return read(bodySchema, { ...rest, ...promptBody(model, prompt) });
}
