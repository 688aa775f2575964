/** Embeddings, transcriptions and speech on Millrace's own surfaces, named in snake_case. */
import { z } from "zod";
import {
  type EmbeddingBody,
  embeddingSchema,
  type SpeechBody,
  speechSchema,
  type TranscriptionBody,
  transcriptionSchema,
} from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import { type Read, read } from "./complaint.ts";
import { aboutOf, aboutShape, modelSchema } from "./fields.ts";
import { embeddingInput } from "./openai-embeddings.ts";
import { nativeSource } from "./source.ts";

const shared = { model: modelSchema.nullish(), ...aboutShape };
const { language, diarize, smartFormat, vocabulary } = transcriptionSchema.shape;
const { text, voice, format, speed, stream, language: spoken } = speechSchema.shape;

export const nativeEmbeddingShape = {
  operation: embeddingSchema.shape.operation,
  ...shared,
  input: embeddingInput,
  dimensions: embeddingSchema.shape.dimensions.nullable(),
};
const nativeEmbedding = z.strictObject(nativeEmbeddingShape);

export const nativeTranscriptionShape = {
  operation: transcriptionSchema.shape.operation,
  ...shared,
  source: nativeSource,
  language: language.nullable(),
  diarize: diarize.nullable(),
  smart_format: smartFormat.nullable(),
  vocabulary: vocabulary.nullable(),
};
const nativeTranscription = z.strictObject(nativeTranscriptionShape);

export const nativeSpeechShape = {
  operation: speechSchema.shape.operation,
  ...shared,
  text,
  voice: voice.nullable(),
  format: format.nullable(),
  language: spoken.nullable(),
  speed: speed.nullable(),
  stream: stream.nullable(),
};
const nativeSpeech = z.strictObject(nativeSpeechShape);

/** `at` is the path of the object, or empty; `model` is for a body that names none. */
export function readNativeEmbedding(value: object, at: string, model: string): Read<EmbeddingBody> {
  const wish = read(nativeEmbedding, value, at);
  if (!wish.ok) return wish;
  const { operation, input, dimensions } = wish.value;
  return {
    ok: true,
    value: {
      operation,
      model: wish.value.model ?? model,
      ...aboutOf(wish.value),
      input,
      ...known({ dimensions }),
    },
  };
}

export function readNativeTranscription(value: object, at: string, model: string): Read<TranscriptionBody> {
  const wish = read(nativeTranscription, value, at);
  if (!wish.ok) return wish;
  const given = wish.value;
  return {
    ok: true,
    value: {
      operation: given.operation,
      model: given.model ?? model,
      ...aboutOf(given),
      source: given.source,
      ...known({
        language: given.language,
        diarize: given.diarize,
        smartFormat: given.smart_format,
        vocabulary: given.vocabulary,
      }),
    },
  };
}

export function readNativeSpeech(value: object, at: string, model: string): Read<SpeechBody> {
  const wish = read(nativeSpeech, value, at);
  if (!wish.ok) return wish;
  const given = wish.value;
  return {
    ok: true,
    value: {
      operation: given.operation,
      model: given.model ?? model,
      ...aboutOf(given),
      text: given.text,
      ...known({ voice: given.voice, format: given.format, language: given.language, speed: given.speed }),
      ...(given.stream === true ? { stream: true } : {}),
    },
  };
}
