import type { ChatBody } from "../../../request/body.ts";
import { isThirdGeneration } from "./generation.ts";

/** What Google makes of the words for models with a budget (its OpenAI-compatible API). */
const budgets = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 } as const;

/**
 * `thinkingConfig`: undefined where the caller said nothing, so that the model's own default holds. From generation 3 on
 * thinking cannot be switched off: `none` is the least there is.
 */
export function thinkingOf(reasoning: ChatBody["reasoning"], model: string): object | undefined {
  const { effort, budgetTokens } = reasoning ?? {};
  if (budgetTokens !== undefined) return { thinkingBudget: budgetTokens, includeThoughts: budgetTokens > 0 };
  if (effort === undefined) return undefined;
  const includeThoughts = effort !== "none";
  if (!isThirdGeneration(model)) return { thinkingBudget: budgets[effort], includeThoughts };
  return { thinkingLevel: effort === "none" || effort === "minimal" ? leastOf(model) : effort, includeThoughts };
}

/** `minimal` is an error at Pro, at Flash from 3.7 on and at Gemini 4 [D]. */
const leastOf = (model: string): "minimal" | "low" =>
  /flash-lite|gemini-3(?:\.[0-6])?-flash/.test(model) ? "minimal" : "low";
