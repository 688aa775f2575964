/** The form of OpenAI's `/v1/audio/transcriptions`: its fields, all of them texts, and the sound beside them. */
import { z } from "zod";
import { type TranscriptionBody, transcriptionSchema } from "../../src/request/body.ts";
import type { Source } from "../../src/request/parts.ts";
import { known } from "../../src/runtime/known.ts";
import type { Read } from "./complaint.ts";
import { type FieldRules, isEmpty, never, readHonoured } from "./dishonoured.ts";
import { isGiven, modelSchema } from "./fields.ts";

export const transcriptFormats = ["json", "text", "verbose_json", "srt", "vtt", "diarized_json"] as const;
export type TranscriptFormat = (typeof transcriptFormats)[number];

const { language, vocabulary } = transcriptionSchema.shape;
const honouredSchema = z.strictObject({
  model: modelSchema,
  language: z.union([z.literal(""), language.unwrap()]).optional(),
  /** Steers and does not bind; providers that take words to expect get it as one. */
  prompt: z.string().optional(),
  keywords: vocabulary,
  response_format: z.enum(transcriptFormats).optional(),
});

export interface TranscriptionOrder {
  readonly body: TranscriptionBody;
  readonly format: TranscriptFormat;
}

/** `fields`: lists where the form has several of a name, or one whose name ends with `[]`. */
export function readOpenaiTranscription(
  fields: Readonly<Record<string, string | readonly string[]>>,
  source: Source,
): Read<TranscriptionOrder> {
  const given = readHonoured(fields, "", honouredSchema, rules);
  if (!given.ok) return given;
  const { model, language: spoken, prompt, keywords = [], response_format: format = "json" } = given.value;
  const words = [...keywords, ...(isGiven(prompt) && prompt !== "" ? [prompt] : [])];
  return {
    ok: true,
    value: {
      format,
      body: {
        operation: "transcription",
        model,
        source,
        ...known({ language: spoken === "" ? undefined : spoken }),
        ...(words.length === 0 ? {} : { vocabulary: words }),
        ...(format === "diarized_json" ? { diarize: true } : {}),
      },
    },
  };
}

const onlySegments = (value: unknown): boolean => Array.isArray(value) && value.every((one) => one === "segment");

const rules: FieldRules = {
  ignored: new Set(["chunking_strategy"]),
  neutral: {
    temperature: (value) => Number(value) === 0,
    stream: (value) => value === "false",
    include: isEmpty,
    timestamp_granularities: onlySegments,
    languages: isEmpty,
    known_speaker_names: isEmpty,
    known_speaker_references: never,
  },
  words: {
    stream: "cannot be honoured by this version: a transcript comes whole",
    languages: "cannot be honoured by this version; use language",
    timestamp_granularities: 'must be "segment": times of words are not kept',
  },
};
