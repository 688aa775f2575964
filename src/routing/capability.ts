/** What a model cannot do of what a request asks. Pure; what is not known of a model is no reason to refuse it. */
import type { Ability, Medium, ModelInfo } from "../config/provider-entry.ts";
import { type Body, type ChatBody, isChat, type Operation, operationOf, partsOf } from "../request/body.ts";
import type { Part } from "../request/parts.ts";

/** Our count of a prompt may be so much above the provider's: only what is certainly too long is refused. */
const countMargin = 1.25;

/**
 * What the model lacks, in words that follow its name; undefined: it may be asked. `inputTokens` is our estimate. A model
 * that is not known by name can do at most what its provider offers; `offered` is undefined where that is not known either.
 */
export function lackOf(
  info: ModelInfo | undefined,
  body: Body,
  inputTokens: number,
  offered?: readonly Operation[],
): string | undefined {
  const operation = operationOf(body);
  if (info === undefined) {
    return offered?.includes(operation) === false ? `is of a provider that offers no ${operation}` : undefined;
  }
  const own = info.operation ?? "chat";
  if (operation !== own) return `is for ${own}, not for ${operation}`;
  if (info.contextTokens !== undefined && inputTokens > info.contextTokens * countMargin) {
    return `takes ${info.contextTokens} tokens, and the prompt has about ${inputTokens}`;
  }
  return isChat(body) ? chatLack(info, body) : undefined;
}

function chatLack({ accepts, abilities, outputTokens }: ModelInfo, body: ChatBody): string | undefined {
  const medium = accepts === undefined ? undefined : mediaOf(partsOf(body)).find((one) => !accepts.includes(one));
  if (medium !== undefined) return `takes no ${medium}`;
  const ability = abilities === undefined ? undefined : neededBy(body).find((one) => !abilities.includes(one));
  if (ability !== undefined) return abilityWords[ability];
  if (outputTokens !== undefined && body.maxOutputTokens !== undefined && body.maxOutputTokens > outputTokens) {
    return `writes at most ${outputTokens} tokens, and ${body.maxOutputTokens} are asked for`;
  }
  return undefined;
}

const abilityWords: Readonly<Record<Ability, string>> = {
  tools: "cannot call tools",
  json: "has no JSON output",
  "json-schema": "cannot hold to a JSON Schema",
  reasoning: "does not reason",
  streaming: "does not stream",
};

function mediaOf(parts: readonly Part[]): readonly Medium[] {
  return parts.flatMap((part): readonly Medium[] => {
    if (part.type === "tool-result") return typeof part.content === "string" ? [] : mediaOf(part.content);
    return "source" in part ? [part.type] : [];
  });
}

function neededBy({ tools, responseFormat, reasoning, stream }: ChatBody): readonly Ability[] {
  const effort = reasoning?.effort;
  const thinks = (effort !== undefined && effort !== "none") || (reasoning?.budgetTokens ?? 0) > 0;
  return [
    ...(tools === undefined ? [] : ["tools" as const]),
    ...(responseFormat === undefined || responseFormat.type === "text" ? [] : [responseFormat.type]),
    ...(thinks ? ["reasoning" as const] : []),
    ...(stream === true ? ["streaming" as const] : []),
  ];
}
