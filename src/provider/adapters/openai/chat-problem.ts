import { type ChatBody, partsOf } from "../../../request/body.ts";
import { isMedia, type MediaPart, type Part, type ToolResultPart } from "../../../request/parts.ts";
import type { Dialect } from "./dialect.ts";
import { audioFormat } from "./media.ts";

/** What chat completions cannot carry of a body; undefined when they can carry all of it. Says what, and no content. */
export function chatProblem(body: ChatBody, dialect: Dialect): string | undefined {
  for (const part of partsOf(body)) {
    const problem = problemOf(part, dialect);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOf(part: Part, dialect: Dialect): string | undefined {
  if (part.type === "tool-result") return problemOfResult(part, dialect);
  return isMedia(part) ? problemOfMedia(part, dialect) : undefined;
}

function problemOfResult({ content }: ToolResultPart, { name }: Dialect): string | undefined {
  const medium = typeof content === "string" ? undefined : content.find(({ type }) => type !== "text")?.type;
  return medium === undefined ? undefined : `${name} takes only text as the result of a tool, not ${article(medium)}`;
}

function problemOfMedia({ type, source }: MediaPart, { name, media }: Dialect): string | undefined {
  const way = media[type];
  if (way === undefined) return `${name} takes no ${type} in a message`;
  if ("data" in source) {
    if (way === "url") return `${name} takes ${article(type)} by its address only`;
    const format = type === "audio" ? audioFormat(source.mediaType) : "mp3";
    return format === "mp3" || format === "wav" ? undefined : `${name} takes audio as mp3 or wav, not as ${format}`;
  }
  if (way === "data") return `${name} takes ${article(type)} as data, not by its address`;
  return /^https?:/.test(source.url) ? undefined : `${name} fetches ${article(type)} from http or https only`;
}

const article = (medium: string): string =>
  medium === "image" ? "an image" : medium === "audio" ? "audio" : `a ${medium}`;
