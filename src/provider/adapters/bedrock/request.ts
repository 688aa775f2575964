/**
 * A request in the words of the Converse API, which is one for all families of models; what it leaves to each goes into
 * `additionalModelRequestFields`.
 *  - The output limit is always sent: quota is reserved by it, and a model's own is its largest [D].
 *  - `topK` is a field of Claude's and Nova's own and of no other. There is no seed, there are no penalties, no safety
 *    settings (guardrails are options) and no user: left out.
 *  - A JSON Schema is an output format for the families that know one, else, like "any JSON object", an instruction.
 *  - `providerOptions` go in last; those of `additionalModelRequestFields` and `inferenceConfig` beside ours.
 */
import type { ConverseCommandInput } from "@aws-sdk/client-bedrock-runtime";
import { z } from "zod";
import type { ChatBody } from "../../../request/body.ts";
import { type Json, json } from "../../../request/json.ts";
import { known } from "../../../runtime/known.ts";
import type { CallInput } from "../../provider.ts";
import { isMarked, schemaForOutput } from "../anthropic/request.ts";
import { type Thinking, thinkingOf } from "../anthropic/thinking.ts";
import { type CachePoint, cachePointOf, wireMessages } from "./content.ts";
import { type Family, familyOf, takesCachePoints, takesSchemas } from "./family.ts";

export function converseInput({ model, body, defaultMaxOutputTokens }: CallInput): ConverseCommandInput {
  const family = familyOf(model);
  const cachePoint = cachePointOf(takesCachePoints(family));
  const thinking = reasoningOf(family, model, body, defaultMaxOutputTokens);
  const schema = schemaOf(model, family, body);
  const outputConfig = known({ textFormat: schema, effort: thinking.effort });
  const { additionalModelRequestFields, inferenceConfig, ...options } = optionsSchema.parse(
    body.providerOptions?.["bedrock"] ?? {},
  );
  const fields = { ...ownFields(family, body), ...thinking.fields, ...additionalModelRequestFields };
  const messages = wireMessages(body, cachePoint);
  if (body.cache !== undefined && !isMarked(body)) messages.at(-1)?.content?.push(...cachePoint(body.cache));
  return {
    modelId: model,
    messages,
    inferenceConfig: {
      maxTokens: thinking.maxTokens,
      ...known({ temperature: body.temperature, topP: body.topP, stopSequences: body.stop }),
      ...inferenceConfig,
    },
    ...known({
      system: systemOf(body, schema !== undefined, cachePoint),
      toolConfig: toolsOf(body, cachePoint),
      outputConfig: Object.keys(outputConfig).length === 0 ? undefined : outputConfig,
      additionalModelRequestFields: Object.keys(fields).length === 0 ? undefined : fields,
    }),
    ...options,
  };
}

const optionsSchema = z.looseObject({
  additionalModelRequestFields: z.record(z.string(), json).optional().catch(undefined),
  inferenceConfig: z.record(z.string(), json).optional().catch(undefined),
});

interface Reasoning extends Pick<Thinking, "effort" | "maxTokens"> {
  readonly fields: Readonly<Record<string, Json>>;
}

function reasoningOf(family: Family, model: string, body: ChatBody, usual: number): Reasoning {
  const { reasoning, maxOutputTokens } = body;
  const maxTokens = maxOutputTokens ?? usual;
  if (family === "claude") {
    const { thinking, ...more } = thinkingOf(model, reasoning, maxOutputTokens, usual);
    return { ...more, fields: thinking === undefined ? {} : { thinking: { ...thinking } } };
  }
  const effort = reasoning?.budgetTokens === 0 ? "none" : reasoning?.effort;
  if (effort === undefined) return { maxTokens, fields: {} };
  const word = effort === "minimal" ? "low" : effort;
  if (family === "nova") {
    const off = { type: "disabled" };
    return {
      maxTokens,
      fields: { reasoningConfig: word === "none" ? off : { type: "enabled", maxReasoningEffort: word } },
    };
  }
  return { maxTokens, fields: family === "gpt-oss" && word !== "none" ? { reasoning_effort: word } : {} };
}

/** What only one family has a name for. */
function ownFields(family: Family, { topK, parallelToolCalls, tools }: ChatBody): Readonly<Record<string, Json>> {
  if (family === "nova") return topK === undefined ? {} : { inferenceConfig: { topK } };
  if (family !== "claude") return {};
  const oneOnly = { type: "auto", disable_parallel_tool_use: true };
  return known({ top_k: topK, tool_choice: parallelToolCalls === false && tools ? oneOnly : undefined });
}

function schemaOf(model: string, family: Family, { responseFormat }: ChatBody) {
  if (responseFormat?.type !== "json-schema" || !takesSchemas(model, family)) return undefined;
  const schema = family === "claude" ? schemaForOutput(responseFormat.schema) : responseFormat.schema;
  const jsonSchema = { schema: JSON.stringify(schema), ...known({ name: responseFormat.name }) };
  return { type: "json_schema" as const, structure: { jsonSchema } };
}

function systemOf({ system, responseFormat }: ChatBody, isHeld: boolean, cachePoint: CachePoint) {
  const texts =
    typeof system === "string"
      ? [{ text: system }]
      : (system ?? []).flatMap(({ text, cache }) => [{ text }, ...cachePoint(cache)]);
  const wish =
    responseFormat?.type === "json"
      ? "Answer with one JSON object and nothing else: no words around it, no code fence."
      : responseFormat?.type === "json-schema" && !isHeld
        ? `Answer with one JSON value and nothing else: no words around it, no code fence. It fits this JSON Schema: ${JSON.stringify(responseFormat.schema)}`
        : undefined;
  const all = [...texts, ...(wish === undefined ? [] : [{ text: wish }])];
  return all.length === 0 ? undefined : all;
}

function toolsOf({ tools, toolChoice }: ChatBody, cachePoint: CachePoint) {
  // There is no word for "none".
  if (tools === undefined || toolChoice === "none") return undefined;
  const wire = tools.flatMap(({ name, description, parameters, strict, cache }) => [
    { toolSpec: { name, inputSchema: { json: parameters }, ...known({ description, strict }) } },
    ...cachePoint(cache),
  ]);
  return { tools: wire, ...known({ toolChoice: choiceOf(toolChoice) }) };
}

function choiceOf(choice: ChatBody["toolChoice"]) {
  if (choice === undefined) return undefined;
  if (typeof choice === "object") return { tool: { name: choice.name } };
  return choice === "required" ? { any: {} } : { auto: {} };
}
