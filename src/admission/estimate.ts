import { estimateTokenCount } from "tokenx";
import { type Body, isChat, partsOf, textsIn } from "../request/body.ts";
import type { MediaPart, Part } from "../request/parts.ts";
import type { Tool } from "../request/tools.ts";

/** Output tokens assumed where the caller gave no limit; also sent to providers that require one. */
export const defaultMaxOutputTokens = 4_096;

/**
 * Input tokens of a body, for admission and cost. tokenx is 5–8 % off on prose and code; a tenth is added so that the
 * estimate is rarely low. Four tokens a message for its frame.
 */
export function estimateTokens(body: Body): { readonly input: number; readonly output: number } {
  const texts = isChat(body) ? [...textsIn(body), ...toolTexts(body.tools)] : textsIn(body);
  const written = Math.ceil(texts.reduce((sum, text) => sum + estimateTokenCount(text), 0) * 1.1);
  if (!isChat(body)) return { input: written, output: 0 };
  const media = partsOf(body).reduce((sum, part) => sum + mediaTokens(part), 0);
  return {
    input: written + media + 4 * body.messages.length,
    output: body.maxOutputTokens ?? defaultMaxOutputTokens,
  };
}

const toolTexts = (tools: readonly Tool[] = []): readonly string[] =>
  tools.map(({ name, description = "", parameters }) => `${name} ${description} ${JSON.stringify(parameters)}`);

/** What nobody can know without decoding is guessed once, and corrected by what the provider charges (learned.ts). */
function mediaTokens(part: Part): number {
  if (part.type === "tool-result") {
    return typeof part.content === "string" ? 0 : part.content.reduce((sum, inner) => sum + mediaTokens(inner), 0);
  }
  if (!("source" in part)) return 0;
  const { base, bytesPerToken } = media[part.type];
  const bytes = "data" in part.source ? (part.source.data.length * 3) / 4 : 0;
  return Math.ceil(Math.max(base, bytes / bytesPerToken));
}

/**
 * Images: width × height ÷ 750, at most about 1,600 (Anthropic's documentation). Audio: 32 tokens a second (Gemini's), at 16
 * KB a second. Video: 263 a second (Gemini's), at 250 KB a second. Documents: up to 3,000 a page (Anthropic's), a page of 50 KB.
 */
const media: Readonly<Record<MediaPart["type"], { readonly base: number; readonly bytesPerToken: number }>> = {
  image: { base: 1_600, bytesPerToken: Number.POSITIVE_INFINITY },
  audio: { base: 1_000, bytesPerToken: 500 },
  video: { base: 10_000, bytesPerToken: 1_000 },
  file: { base: 3_000, bytesPerToken: 17 },
};
