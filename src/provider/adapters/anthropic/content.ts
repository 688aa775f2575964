/**
 * Messages as Anthropic's content blocks, and what they cannot carry.
 *  - Images: JPEG, PNG, GIF and WebP, by bytes or by address. Documents: PDF by bytes or by address, text by its words.
 *  - A thought goes back to who thought it, sealed as it came; one that was hidden by the API has its cipher in the seal.
 *  - An empty text is refused by the API and says nothing: it is left out.
 */
import type { ChatBody, Message } from "../../../request/body.ts";
import { partsOf } from "../../../request/body.ts";
import type { FilePart, ImagePart, Part, ReasoningPart, ToolResultPart } from "../../../request/parts.ts";
import { known } from "../../../runtime/known.ts";

/** Why Anthropic cannot be asked this; undefined when it can. */
export function objectionTo(body: ChatBody): string | undefined {
  return partsOf(body)
    .flatMap((part): readonly Part[] =>
      part.type === "tool-result" && typeof part.content !== "string" ? part.content : [part],
    )
    .map(objectionToPart)
    .find((reason) => reason !== undefined);
}

function objectionToPart(part: Part): string | undefined {
  if (part.type === "audio" || part.type === "video") return `Claude takes no ${part.type}`;
  if (part.type !== "image" && part.type !== "file") return undefined;
  const { source } = part;
  if ("url" in source) {
    if (!/^https?:/.test(source.url)) return "Claude fetches only http and https addresses";
    const isKnown = source.mediaType === undefined || part.type === "image" || source.mediaType === pdf;
    return isKnown ? undefined : `Claude fetches no file of type ${source.mediaType}, only PDF: send its bytes`;
  }
  if (part.type === "image") {
    return imageTypes.includes(source.mediaType) ? undefined : `Claude takes no image of type ${source.mediaType}`;
  }
  const isReadable = source.mediaType === pdf || isText(source.mediaType);
  return isReadable ? undefined : `Claude takes no file of type ${source.mediaType}, only PDF and text`;
}

const pdf = "application/pdf";
const imageTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const isText = (mediaType: string): boolean =>
  /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript|x-ndjson)$|\+(?:json|xml)$/.test(mediaType);

/** `thinker` is the id under which thoughts of this wire are kept. */
export const wireMessage = ({ role, content }: Message, thinker: string) => ({
  role: role === "assistant" ? ("assistant" as const) : ("user" as const),
  content: content.flatMap((part) => blocksOf(part, thinker)),
});

/** None for what `objectionTo` refuses, for an empty text and for another's thought. */
function blocksOf(part: Part, thinker: string): readonly object[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ type: "text", text: part.text, ...cacheMark(part.cache) }];
    case "image":
      return [imageBlock(part)];
    case "file":
      return [documentBlock(part)];
    case "reasoning":
      return thoughtBlocks(part, thinker);
    case "tool-call":
      return [{ type: "tool_use", id: part.id, name: part.name, input: part.input }];
    case "tool-result":
      return [resultBlock(part, thinker)];
    default:
      return [];
  }
}

/** A mark behind which everything before may be kept. */
export const cacheMark = (lifetime: "5m" | "1h" | undefined) =>
  known({ cache_control: lifetime === undefined ? undefined : { type: "ephemeral" as const, ttl: lifetime } });

function imageBlock({ source, cache }: ImagePart) {
  const wire =
    "url" in source
      ? { type: "url", url: source.url }
      : { type: "base64", media_type: source.mediaType, data: source.data };
  return { type: "image", source: wire, ...cacheMark(cache) };
}

function documentBlock({ source, name, cache }: FilePart) {
  return { type: "document", source: documentSource(source), ...known({ title: name }), ...cacheMark(cache) };
}

function documentSource(source: FilePart["source"]) {
  if ("url" in source) return { type: "url", url: source.url };
  if (source.mediaType === pdf) return { type: "base64", media_type: pdf, data: source.data };
  return { type: "text", media_type: "text/plain", data: Buffer.from(source.data, "base64").toString("utf8") };
}

const hidden = "redacted:";
/** The seal of a thought that the API sent as a cipher only. No signature has a colon: they are base64. */
export const hiddenSeal = (cipher: string): string => `${hidden}${cipher}`;
/** The cipher in the seal of a hidden thought; undefined in any other. */
export const cipherIn = (signature: string): string | undefined =>
  signature.startsWith(hidden) ? signature.slice(hidden.length) : undefined;

function thoughtBlocks({ text, signature, provider }: ReasoningPart, thinker: string): readonly object[] {
  if (signature === undefined || (provider !== undefined && provider !== thinker)) return [];
  const cipher = cipherIn(signature);
  return cipher === undefined
    ? [{ type: "thinking", thinking: text, signature }]
    : [{ type: "redacted_thinking", data: cipher }];
}

function resultBlock({ id, content, isError, cache }: ToolResultPart, thinker: string) {
  return {
    type: "tool_result",
    tool_use_id: id,
    content: typeof content === "string" ? content : content.flatMap((part) => blocksOf(part, thinker)),
    ...known({ is_error: isError }),
    ...cacheMark(cache),
  };
}
