/**
 * Messages as Gemini's `contents`.
 *  - Neighbours of one role become one content: all results of parallel calls must stand together.
 *  - Thoughts and seals go back only to who made them; a seal that came with text is a part of its own with no text.
 *  - A tool's result is an object: its words stand under `output`, or under `error`; its media beside it.
 */
import type { Message } from "../../../request/body.ts";
import type { AssistantPart, MediaPart, Part, Source, ToolCallPart, ToolResultPart } from "../../../request/parts.ts";
import { isMedia } from "../../../request/parts.ts";
import { known } from "../../../runtime/known.ts";
import { isThirdGeneration } from "./generation.ts";

/** For whom the contents are. */
export interface Reader {
  /** Our id of the provider: whose options are taken. */
  readonly provider: string;
  /** Who thinks there, as in the reasoning it gave. */
  readonly thinker: string;
  readonly model: string;
}

interface Content {
  readonly role: "user" | "model";
  readonly parts: readonly object[];
}

export function contentsOf(messages: readonly Message[], reader: Reader): readonly Content[] {
  const names = new Map(messages.flatMap(({ content }) => content.flatMap(namedCall)));
  return neighbours(messages).map(({ role, content }) =>
    role === "assistant"
      ? {
          role: "model",
          parts: sealed(
            content.flatMap((part) => said(part, reader)),
            reader,
          ),
        }
      : { role: "user", parts: content.flatMap((part) => given(part, names, reader)) },
  );
}

/** What Gemini cannot be told, in words for the caller; undefined where it can be told everything. */
export function unsayable(messages: readonly Message[]): string | undefined {
  const parts = messages.flatMap(({ content }): readonly Part[] => content);
  const media = parts.flatMap((part) => (part.type === "tool-result" ? mediaIn(part) : isMedia(part) ? [part] : []));
  if (media.some(({ source }) => "url" in source && source.url.startsWith("s3:"))) {
    return "Gemini cannot read addresses of S3: send the bytes";
  }
  const odd = parts.find((part) => part.type === "tool-call" && !isObject(part.input));
  return odd === undefined ? undefined : "Gemini takes the arguments of a tool call as a JSON object only";
}

const mediaIn = ({ content }: ToolResultPart): readonly MediaPart[] =>
  typeof content === "string" ? [] : content.flatMap((piece) => (isMedia(piece) ? [piece] : []));

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const namedCall = (part: Part): readonly (readonly [string, string])[] =>
  part.type === "tool-call" ? [[part.id, part.name]] : [];

interface Turn {
  readonly role: Message["role"];
  readonly content: readonly Part[];
}

function neighbours(messages: readonly Message[]): readonly Turn[] {
  const turns: { role: Message["role"]; content: Part[] }[] = [];
  for (const { role, content } of messages) {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  }
  return turns;
}

interface SaidPart {
  readonly text?: string;
  readonly thought?: true;
  readonly functionCall?: object;
  readonly thoughtSignature?: string;
}

function said(part: Part, reader: Reader): readonly SaidPart[] {
  switch (part.type) {
    case "text":
      return [{ text: part.text }];
    case "tool-call":
      return [call(part, reader)];
    case "reasoning":
      return part.provider === reader.thinker ? [thought(part)] : [];
    default:
      return [];
  }
}

const thought = ({ text, signature }: Extract<AssistantPart, { type: "reasoning" }>): SaidPart => ({
  text,
  ...(text === "" ? {} : { thought: true as const }),
  ...known({ thoughtSignature: signature }),
});

const call = ({ id, name, input, signature }: ToolCallPart, reader: Reader): SaidPart => ({
  functionCall: { ...idOf(id, reader), name, args: input },
  ...known({ thoughtSignature: signature }),
});

/**
 * The first call of a turn must have its seal. A turn that another model spoke has none: Google's word for that case
 * lets it pass.
 */
function sealed(parts: readonly SaidPart[], { model }: Reader): readonly SaidPart[] {
  const first = parts.findIndex(({ functionCall }) => functionCall !== undefined);
  if (first < 0 || !isThirdGeneration(model) || parts[first]?.thoughtSignature !== undefined) return parts;
  return parts.map((part, at) =>
    at === first ? { ...part, thoughtSignature: "skip_thought_signature_validator" } : part,
  );
}

function given(part: Part, names: ReadonlyMap<string, string>, reader: Reader): readonly object[] {
  if (part.type === "tool-result") return result(part, names, reader);
  if (isMedia(part)) return [medium(part)];
  return part.type === "text" ? [{ text: part.text }] : [];
}

function result(part: ToolResultPart, names: ReadonlyMap<string, string>, reader: Reader): readonly object[] {
  const { id, content, isError } = part;
  const words =
    typeof content === "string" ? content : content.map((piece) => (piece.type === "text" ? piece.text : "")).join("");
  const name = part.name ?? names.get(id) ?? id;
  const response = isError === true ? { error: words } : { output: words };
  return [{ functionResponse: { ...idOf(id, reader), name, response } }, ...mediaIn(part).map(medium)];
}

const idOf = (id: string, { model }: Reader): object => (isThirdGeneration(model) ? { id } : {});

const medium = (part: MediaPart): object =>
  "data" in part.source
    ? { inlineData: { mimeType: part.source.mediaType, data: part.source.data } }
    : { fileData: { ...known({ mimeType: mediaTypeOf(part.source) }), fileUri: part.source.url } };

/** Of an address: as the caller says, else by its ending. YouTube's have none, and need none. */
function mediaTypeOf(source: Extract<Source, { url: string }>): string | undefined {
  const [, ending] = /\.(\w+)(?:[?#].*)?$/.exec(source.url) ?? [];
  return source.mediaType ?? mediaTypes[ending?.toLowerCase() ?? ""];
}

const mediaTypes: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  txt: "text/plain",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
};
