import type { ChatBody } from "../../../request/body.ts";
import type { Tool } from "../../../request/tools.ts";
import { known } from "../../../runtime/known.ts";
import type { CallInput } from "../../provider.ts";
import { wireMessages } from "./chat-messages.ts";
import type { Dialect } from "./dialect.ts";

/**
 * The body of a chat completion. `topK` has no place there and is left out, so that one body can travel a route over
 * several vendors; so are marks of the cache, and safety settings. Everything else goes out as given: a model that
 * refuses it says so in its own words. `providerOptions` come last.
 */
export function chatBody({ model, body, stream }: CallInput, dialect: Dialect): Readonly<Record<string, unknown>> {
  return {
    model,
    messages: wireMessages(body, dialect),
    ...known({
      [dialect.outputLimit]: body.maxOutputTokens,
      stop: body.stop,
      temperature: body.temperature,
      top_p: body.topP,
      presence_penalty: body.presencePenalty,
      frequency_penalty: body.frequencyPenalty,
      [dialect.seed]: body.seed,
      tools: body.tools?.map(wireTool),
      tool_choice: toolChoice(body, dialect),
      parallel_tool_calls: dialect.parallelToolCalls ? body.parallelToolCalls : undefined,
      response_format: responseFormat(body, dialect),
      ...(dialect.userId === undefined ? {} : { [dialect.userId]: body.userId }),
    }),
    ...reasoning(body, dialect),
    ...(stream ? { stream: true, ...(dialect.asksForUsage ? { stream_options: { include_usage: true } } : {}) } : {}),
    ...body.providerOptions?.[dialect.provider],
  };
}

const wireTool = ({ name, description, parameters, strict }: Tool) => ({
  type: "function",
  function: known({ name, description, parameters, strict }),
});

function toolChoice({ toolChoice: wish }: ChatBody, { toolRequired }: Dialect) {
  if (typeof wish === "object") return { type: "function", function: wish };
  return wish === "required" ? toolRequired : wish;
}

function responseFormat({ responseFormat: format }: ChatBody, { schema }: Dialect) {
  switch (format?.type) {
    case "json":
      return { type: "json_object" };
    case "json-schema":
      if (schema === "instructed") return { type: "json_object" };
      return {
        type: "json_schema",
        json_schema: known({ name: format.name ?? "answer", schema: format.schema, strict: format.strict }),
      };
    default:
      return undefined;
  }
}

/** A budget goes only where there is a field for it. */
function reasoning({ reasoning: wish }: ChatBody, { effort: field }: Dialect): object {
  const { effort, budgetTokens } = wish ?? {};
  if (effort === undefined && budgetTokens === undefined) return {};
  const isOn = effort !== "none" && budgetTokens !== 0;
  switch (field) {
    case "reasoning_effort":
      return known({ reasoning_effort: effort });
    case "reasoning":
      return { reasoning: known({ effort, max_tokens: budgetTokens }) };
    case "enable_thinking":
      return known({ enable_thinking: isOn, thinking_budget: isOn ? budgetTokens : undefined });
    case "thinking":
      return { thinking: { type: isOn ? "enabled" : "disabled" } };
    default:
      return {};
  }
}
