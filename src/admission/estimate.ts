import { estimateTokenCount } from "tokenx";
import type { Body } from "../request/body.ts";

/** Output tokens assumed where the caller gave no limit; also sent to providers that require one. */
export const defaultMaxOutputTokens = 4_096;

/**
 * Input tokens of a body, for admission and cost. tokenx is 5–8 % off on prose and code; a tenth is added so that the
 * estimate is rarely low. Four tokens a message for its frame.
 */
export function estimateTokens(body: Body): { readonly input: number; readonly output: number } {
  const texts = [body.system ?? "", ...body.messages.flatMap((message) => message.content.map((part) => part.text))];
  const tokens = texts.reduce((sum, text) => sum + estimateTokenCount(text), 0);
  return {
    input: Math.ceil(tokens * 1.1) + 4 * body.messages.length,
    output: body.maxOutputTokens ?? defaultMaxOutputTokens,
  };
}
