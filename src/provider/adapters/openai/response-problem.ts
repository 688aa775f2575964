import { type ChatBody, partsOf } from "../../../request/body.ts";
import { isMedia, type Part } from "../../../request/parts.ts";

/** What the Responses API cannot carry of a body. It has no seed either, which is left out as `topK` is. */
export function responseProblem(body: ChatBody): string | undefined {
  if (body.stop !== undefined) return "OpenAI's Responses API, which this model needs, knows no stop sequences";
  if (body.presencePenalty !== undefined || body.frequencyPenalty !== undefined) {
    return "OpenAI's Responses API, which this model needs, knows no penalties";
  }
  return partsOf(body)
    .map(problemOf)
    .find((problem) => problem !== undefined);
}

function problemOf(part: Part): string | undefined {
  if (part.type === "audio" || part.type === "video")
    return `OpenAI's Responses API takes no ${part.type} in a message`;
  const media = part.type === "tool-result" && typeof part.content !== "string" ? part.content : [part];
  const strange = media.some((one) => isMedia(one) && "url" in one.source && !/^https?:/.test(one.source.url));
  return strange ? "OpenAI fetches images and files from http or https only" : undefined;
}
