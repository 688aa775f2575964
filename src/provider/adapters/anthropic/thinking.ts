/**
 * How much a Claude model thinks. Its generations take it in different ways and answer 400 to the others' [D]:
 *  - to 4.5: a budget in tokens, at least 1,024 and below `max_tokens`; a word becomes a budget;
 *  - 4.6: a budget, or adaptive with an effort;
 *  - from 4.7 on: adaptive only; a budget cannot be told and its number is left out;
 *  - to 4.8 a model thinks when it is asked to; from 5 on, off is `disabled`; Sonnet 5.5 says `between_tools`; Opus 5.5,
 *    Fable and Mythos always think, so they get the least effort.
 * A name that is not known is taken for a new model.
 */
import type { ChatBody } from "../../../request/body.ts";

export interface Thinking {
  readonly thinking?:
    | { readonly type: "enabled"; readonly budget_tokens: number }
    | { readonly type: "adaptive" | "disabled" | "between_tools" };
  readonly effort?: "low" | "medium" | "high";
  /** The caller's limit, or one with room for the budget. */
  readonly maxTokens: number;
}

/** `limit` is the caller's own limit of output, `usual` the one where there is none. */
export function thinkingOf(
  model: string,
  reasoning: ChatBody["reasoning"],
  limit: number | undefined,
  usual: number,
): Thinking {
  const maxTokens = limit ?? usual;
  const { effort, budgetTokens } = reasoning ?? {};
  if (effort === undefined && budgetTokens === undefined) return { maxTokens };
  if (effort === "none" || budgetTokens === 0) return { ...off(model), maxTokens };
  const generation = generationOf(model);
  if (budgetTokens !== undefined && generation !== "adaptive") {
    const thinking = { type: "enabled" as const, budget_tokens: budgetTokens };
    return { thinking, maxTokens: limit ?? usual + budgetTokens };
  }
  const word = effort === undefined || effort === "minimal" ? undefined : effort;
  if (generation !== "budget") {
    const least = effort === "minimal" ? ("low" as const) : word;
    return { thinking: { type: "adaptive" }, ...(least === undefined ? {} : { effort: least }), maxTokens };
  }
  const wanted = budgets[effort ?? "minimal"] ?? leastBudget;
  const budget = limit === undefined ? wanted : Math.min(wanted, Math.floor(limit * shareOfLimit));
  if (budget < leastBudget) return { maxTokens };
  return { thinking: { type: "enabled", budget_tokens: budget }, maxTokens: limit ?? usual + budget };
}

const leastBudget = 1_024;
/** What is left of the caller's limit is for the answer. */
const shareOfLimit = 0.75;
const budgets: Readonly<Record<string, number>> = { minimal: leastBudget, low: 2_048, medium: 8_192, high: 16_384 };

function off(model: string): Pick<Thinking, "thinking" | "effort"> {
  if (/claude-(?:fable|mythos)-|claude-opus-5-5/.test(model)) return { effort: "low" };
  if (/claude-(?:[123]\b|instant|v\d|(?:opus|sonnet|haiku)-4)/.test(model)) return {};
  return { thinking: { type: /claude-sonnet-5-5/.test(model) ? "between_tools" : "disabled" } };
}

function generationOf(model: string): "budget" | "both" | "adaptive" {
  if (/claude-(?:opus|sonnet)-4-6/.test(model)) return "both";
  return /claude-(?:[123]\b|instant|v\d|(?:opus|sonnet|haiku)-4(?:-[0-5](?!\d)|-\d{8}|@|$))/.test(model)
    ? "budget"
    : "adaptive";
}
