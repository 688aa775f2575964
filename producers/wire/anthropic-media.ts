/** Images and documents of Anthropic's wire. What lies in a provider's own store is refused: another one has it not. */
import { z } from "zod";
import { type FilePart, filePart, type ImagePart, type Source } from "../../src/request/parts.ts";
import { known } from "../../src/runtime/known.ts";
import { cacheMark } from "./cache-mark.ts";
import { type Read, read } from "./complaint.ts";
import { readAddress, readBytes } from "./source.ts";

const base64 = z.strictObject({ type: z.literal("base64"), media_type: z.string(), data: z.string() });
const address = z.strictObject({ type: z.literal("url"), url: z.string() });
const stored = z.looseObject({ type: z.literal("file") });
const plain = z.strictObject({ type: z.literal("text"), media_type: z.literal("text/plain"), data: z.string() });
const written = z.strictObject({ type: z.literal("content"), content: z.string() });

const imageSchema = z.strictObject({
  type: z.literal("image"),
  source: z.discriminatedUnion("type", [base64, address, stored]),
  transformations: z.strictObject({ oversized_image: z.literal("downsize").nullish() }).nullish(),
  cache_control: cacheMark,
});

export function readImage(value: unknown, at: string): Read<ImagePart> {
  const block = read(imageSchema, value, at);
  if (!block.ok) return block;
  const source = sourceOf(block.value.source, `${at}.source`);
  if (!source.ok) return source;
  return { ok: true, value: { type: "image", source: source.value, ...known({ cache: block.value.cache_control }) } };
}

const documentSchema = z.strictObject({
  type: z.literal("document"),
  source: z.discriminatedUnion("type", [base64, address, stored, plain, written]),
  title: filePart.shape.name.nullable(),
  context: z.literal("").nullish(),
  citations: z.strictObject({ enabled: z.literal(false).nullish() }).nullish(),
  cache_control: cacheMark,
});

export function readDocument(value: unknown, at: string): Read<FilePart> {
  const block = read(documentSchema, value, at);
  if (!block.ok) return block;
  const source = sourceOf(block.value.source, `${at}.source`);
  if (!source.ok) return source;
  const { title: name, cache_control: cache } = block.value;
  return { ok: true, value: { type: "file", source: source.value, ...known({ name, cache }) } };
}

type WireSource = z.infer<typeof documentSchema>["source"];

function sourceOf(source: WireSource, at: string): Read<Source> {
  switch (source.type) {
    case "base64":
      return readBytes(source.data, source.media_type, `${at}.data`);
    case "url":
      return readAddress(source.url, `${at}.url`);
    case "text":
      return textSource(source.data, `${at}.data`);
    case "content":
      return textSource(source.content, `${at}.content`);
    case "file":
      return { ok: false, reason: `${at}.file_id names a file that lies at one provider; send what is in it` };
  }
}

const textSource = (text: string, at: string): Read<Source> =>
  text === ""
    ? { ok: false, reason: `${at} is empty` }
    : { ok: true, value: { data: Buffer.from(text, "utf8").toString("base64"), mediaType: "text/plain" } };
