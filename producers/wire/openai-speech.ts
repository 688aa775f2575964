/** The body of OpenAI's `/v1/audio/speech`. */
import { z } from "zod";
import { type SpeechBody, speechSchema } from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import type { Read } from "./complaint.ts";
import { type FieldRules, never, readHonoured } from "./dishonoured.ts";
import { modelSchema } from "./fields.ts";

const { text, voice, format, speed } = speechSchema.shape;
const honouredSchema = z.strictObject({
  model: modelSchema,
  input: text,
  voice: z
    .union([voice.unwrap(), z.strictObject({ id: voice.unwrap() }).transform(({ id }) => id)], {
      error: "must be the name of a voice, or an object with its id",
    })
    .nullish(),
  response_format: format.nullable(),
  speed: speed.nullable(),
  stream_format: z.enum(["audio", "sse"]).nullish(),
});

export interface SpeechOrder {
  /** The provider is asked for a stream, where it has one. */
  readonly body: SpeechBody;
  /** Told in events instead of bytes. */
  readonly isInEvents: boolean;
}

export function readOpenaiSpeech(body: Readonly<Record<string, unknown>>): Read<SpeechOrder> {
  const given = readHonoured(body, "", honouredSchema, rules);
  if (!given.ok) return given;
  const { model, input, voice: named, response_format: wanted, speed: pace, stream_format: way } = given.value;
  return {
    ok: true,
    value: {
      body: {
        operation: "speech",
        model,
        text: input,
        ...known({ voice: named, speed: pace }),
        // What this wire gives where nobody says.
        format: wanted ?? "mp3",
        stream: true,
      },
      isInEvents: way === "sse",
    },
  };
}

const rules: FieldRules = {
  ignored: new Set(),
  neutral: { instructions: never },
};
