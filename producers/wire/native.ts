/** A request on Millrace's own surfaces: lines with a prompt, and `/v1/requests`. `operation` says what is asked for. */
import { z } from "zod";
import { type Body, type Operation, operations } from "../../src/request/body.ts";
import { type Read, read } from "./complaint.ts";
import { readNativeChat } from "./native-chat.ts";
import { readNativeEmbedding, readNativeSpeech, readNativeTranscription } from "./native-other.ts";

type Reader = (value: object, at: string, model: string) => Read<Body>;

const readers: Readonly<Record<Operation, Reader>> = {
  chat: readNativeChat,
  embedding: readNativeEmbedding,
  transcription: readNativeTranscription,
  speech: readNativeSpeech,
};

const headSchema = z.looseObject({ operation: z.enum(operations).nullish() });

/** `at` is the path of the object, or empty; `model` is for a request that names none. */
export function readNative(value: object, at: string, model: string): Read<Body> {
  const head = read(headSchema, value, at);
  return head.ok ? readers[head.value.operation ?? "chat"](value, at, model) : head;
}

/** An object's fields that a surface reads itself, and those that say what is asked for. */
export function apart(value: object, own: Readonly<Record<string, unknown>>) {
  const fields = Object.entries(value);
  return {
    own: Object.fromEntries(fields.filter(([field]) => Object.hasOwn(own, field))),
    asked: Object.fromEntries(fields.filter(([field]) => !Object.hasOwn(own, field))),
  };
}
