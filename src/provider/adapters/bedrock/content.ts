/**
 * Messages as Converse's content blocks.
 *  - Turns of one role that follow each other become one: roles must take turns.
 *  - A thought goes back to who thought it; one that was hidden has its cipher in the seal.
 *  - A document needs a name of few characters, its own in the conversation.
 *  - A mark of the cache is a block of its own behind what it marks.
 */
import type { ContentBlock, ToolResultContentBlock, Message as WireMessage } from "@aws-sdk/client-bedrock-runtime";
import type { ChatBody } from "../../../request/body.ts";
import { partsOf } from "../../../request/body.ts";
import { isMedia, type MediaPart, type Part, type ReasoningPart, type ToolResultPart } from "../../../request/parts.ts";
import { audioFormat, bytesOrPlace, documentFormat, imageFormat, objectionToMedia, videoFormat } from "./media.ts";

export const thinker = "bedrock";

/** Why Converse cannot be asked this; undefined when it can. */
export function objectionTo(body: ChatBody): string | undefined {
  const parts = partsOf(body).flatMap((part): readonly Part[] =>
    part.type === "tool-result" && typeof part.content !== "string" ? part.content : [part],
  );
  const hasCalls = parts.some(({ type }) => type === "tool-call" || type === "tool-result");
  if (body.toolChoice === "none" && hasCalls) return "Bedrock cannot forbid tools in a conversation that used some";
  return parts
    .map((part) => (isMedia(part) ? objectionToMedia(part) : undefined))
    .find((reason) => reason !== undefined);
}

/** `cachePoint` gives the block of a mark; none where the model takes no marks. */
export type CachePoint = (lifetime: "5m" | "1h" | undefined) => readonly { cachePoint: CachePointWords }[];
interface CachePointWords {
  type: "default";
  ttl?: "1h";
}
export const cachePointOf =
  (isTaken: boolean): CachePoint =>
  (lifetime) => {
    if (lifetime === undefined || !isTaken) return [];
    // Five minutes is the usual time; older models refuse to be told any.
    return [{ cachePoint: { type: "default", ...(lifetime === "1h" ? { ttl: lifetime } : {}) } }];
  };

export function wireMessages({ messages }: ChatBody, cachePoint: CachePoint): WireMessage[] {
  const naming = documentNames();
  const turns: { role: "user" | "assistant"; content: ContentBlock[] }[] = [];
  for (const { role, content } of messages) {
    const wireRole = role === "assistant" ? "assistant" : "user";
    const blocks = content.flatMap((part) => [
      ...blocksOf(part, naming),
      ...("cache" in part ? cachePoint(part.cache) : []),
    ]);
    const last = turns.at(-1);
    if (last?.role === wireRole) last.content.push(...blocks);
    else turns.push({ role: wireRole, content: blocks });
  }
  return turns;
}

type Naming = (name: string | undefined) => string;

/** Letters, digits, single spaces, hyphens and brackets only [D]; a name that was there gets a number. */
function documentNames(): Naming {
  const taken = new Map<string, number>();
  return (name) => {
    const plain = (name ?? "document").replace(/[^a-zA-Z0-9\s()[\]-]/g, "-").replace(/\s+/g, " ");
    const times = (taken.get(plain) ?? 0) + 1;
    taken.set(plain, times);
    return times === 1 ? plain : `${plain} (${times})`;
  };
}

function blocksOf(part: Part, naming: Naming): readonly ContentBlock[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ text: part.text }];
    case "reasoning":
      return thoughtBlocks(part);
    case "tool-call":
      return [{ toolUse: { toolUseId: part.id, name: part.name, input: part.input } }];
    case "tool-result":
      return [{ toolResult: resultOf(part, naming) }];
    default:
      return mediaBlocks(part, naming);
  }
}

function mediaBlocks(part: MediaPart, naming: Naming) {
  const source = bytesOrPlace(part.source);
  if (part.type === "file") {
    const format = documentFormat(part.source);
    return format === undefined ? [] : [{ document: { format, name: naming(part.name), source } }];
  }
  if (part.type === "image") {
    const format = imageFormat(part.source);
    return format === undefined ? [] : [{ image: { format, source } }];
  }
  if (part.type === "video") {
    const format = videoFormat(part.source);
    return format === undefined ? [] : [{ video: { format, source } }];
  }
  const format = audioFormat(part.source);
  return format === undefined ? [] : [{ audio: { format, source } }];
}

const hidden = "redacted:";
export const hiddenSeal = (cipher: Uint8Array): string => `${hidden}${Buffer.from(cipher).toString("base64")}`;

function thoughtBlocks({ text, signature, provider }: ReasoningPart): readonly ContentBlock[] {
  if (provider !== undefined && provider !== thinker) return [];
  if (signature?.startsWith(hidden) === true) {
    const redactedContent = new Uint8Array(Buffer.from(signature.slice(hidden.length), "base64"));
    return [{ reasoningContent: { redactedContent } }];
  }
  return [{ reasoningContent: { reasoningText: { text, ...(signature === undefined ? {} : { signature }) } } }];
}

function resultOf({ id, content, isError }: ToolResultPart, naming: Naming) {
  const blocks =
    typeof content === "string"
      ? [{ text: content }]
      : content.flatMap((part): readonly ToolResultContentBlock[] =>
          part.type === "text" ? [{ text: part.text }] : resultMedia(part, naming),
        );
  return { toolUseId: id, content: blocks, ...(isError === true ? { status: "error" as const } : {}) };
}

function resultMedia(
  part: Extract<MediaPart, { type: "image" | "file" }>,
  naming: Naming,
): readonly ToolResultContentBlock[] {
  const source = bytesOrPlace(part.source);
  if (part.type === "image") {
    const format = imageFormat(part.source);
    return format === undefined ? [] : [{ image: { format, source } }];
  }
  const format = documentFormat(part.source);
  return format === undefined ? [] : [{ document: { format, name: naming(part.name), source } }];
}
