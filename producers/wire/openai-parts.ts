/** Content parts that only OpenAI's wire has: image_url, input_audio, file and refusal. Fields unknown to us are not read. */
import { z } from "zod";
import { type FilePart, filePart, imagePart, type Source, type UserPart } from "../../src/request/parts.ts";
import { type Read, read } from "./complaint.ts";
import { readAddress, readBytes } from "./source.ts";

type PartReader = (value: unknown, at: string) => Read<UserPart>;

/** The reader of a part of this type, where it is one of OpenAI's own. */
export function openaiPartReader(part: { readonly type: string }): PartReader | undefined {
  // A file of ours has a `source`.
  if (part.type === "file") return "source" in part ? undefined : readFile;
  return Object.hasOwn(readers, part.type) ? readers[part.type] : undefined;
}

const readers: Readonly<Record<string, PartReader>> = {
  image_url: readImage,
  input_audio: readAudio,
  refusal: readRefusal,
};

const imageSchema = z.looseObject({
  image_url: z.looseObject({ url: z.string(), detail: imagePart.shape.detail.nullable() }),
});

function readImage(value: unknown, at: string): Read<UserPart> {
  const part = read(imageSchema, value, at);
  if (!part.ok) return part;
  const { url, detail } = part.value.image_url;
  const source = readAddress(url, `${at}.image_url.url`);
  return source.ok
    ? { ok: true, value: { type: "image", source: source.value, ...(detail ? { detail } : {}) } }
    : source;
}

/** IANA's names of OpenAI's formats. */
const audioTypes = {
  wav: "audio/wav",
  mp3: "audio/mpeg",
  flac: "audio/flac",
  ogg: "audio/ogg",
  aac: "audio/aac",
} as const;
const audioSchema = z.looseObject({
  input_audio: z.looseObject({ data: z.string(), format: z.enum(["wav", "mp3", "flac", "ogg", "aac"]) }),
});

function readAudio(value: unknown, at: string): Read<UserPart> {
  const part = read(audioSchema, value, at);
  if (!part.ok) return part;
  const { data, format } = part.value.input_audio;
  const source = readBytes(data, audioTypes[format], `${at}.input_audio.data`);
  return source.ok ? { ok: true, value: { type: "audio", source: source.value } } : source;
}

const fileSchema = z.looseObject({
  file: z.looseObject({
    file_id: z.unknown().optional(),
    file_data: z.string().nullish(),
    filename: filePart.shape.name.nullable(),
  }),
});

function readFile(value: unknown, at: string): Read<FilePart> {
  const part = read(fileSchema, value, at);
  if (!part.ok) return part;
  const { file_id: id, file_data: data, filename: name } = part.value.file;
  const place = `${at}.file`;
  if (id !== undefined && id !== null) {
    const reason = `${place}.file_id names a file that lies at one provider; send what is in it as file_data`;
    return { ok: false, reason };
  }
  if (typeof data !== "string") return { ok: false, reason: `${place}.file_data is missing` };
  const source = readFileData(data, `${place}.file_data`);
  return source.ok ? { ok: true, value: { type: "file", source: source.value, ...(name ? { name } : {}) } } : source;
}

/** `%PDF-` in base64: the one document that callers send without its media type. */
const pdfStart = "JVBERi0";

const readFileData = (data: string, at: string): Read<Source> =>
  data.startsWith(pdfStart) ? readBytes(data, "application/pdf", at) : readAddress(data, at);

const refusalSchema = z.looseObject({ refusal: z.string() });

function readRefusal(value: unknown, at: string): Read<UserPart> {
  const part = read(refusalSchema, value, at);
  return part.ok ? { ok: true, value: { type: "text", text: part.value.refusal } } : part;
}
