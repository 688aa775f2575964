/**
 * A request in the words of the Messages API.
 *  - `max_tokens` is required: the caller's limit, else the configured default and room for a budget of thinking.
 *  - `temperature`, `topP`, `topK`: removed in API version 2026-10-21, which the SDK sends by default, so a request that
 *    has one goes out as version 2023-06-01. Models that no longer take them answer 400 in their own words; they are
 *    never dropped in silence, because they change the answer.
 *  - There is no `seed`, there are no penalties and no safety settings: left out.
 *  - A JSON Schema is an output format of the API, brought into the form that it takes; what it cannot hold a model to
 *    stands in the descriptions. "Any JSON object" has no schema that the API takes: it is an instruction.
 *  - `cache` of the whole request is the API's own mark at the top; where the caller set marks, theirs count.
 *  - `providerOptions`: into the body, except `betas`, which are a header as in the SDK.
 */

import { transformJSONSchema } from "@anthropic-ai/sdk/lib/transform-json-schema";
import { z } from "zod";
import type { ChatBody } from "../../../request/body.ts";
import { partsOf } from "../../../request/body.ts";
import type { Tool } from "../../../request/tools.ts";
import { known } from "../../../runtime/known.ts";
import type { CallInput } from "../../provider.ts";
import { cacheMark, wireMessage } from "./content.ts";
import { thinkingOf } from "./thinking.ts";

/** The body, without `stream`. Options are taken from `providerOptions[owner]`; thoughts of `owner` go along. */
export function wireBody({ model, body, defaultMaxOutputTokens }: CallInput, owner: string): Record<string, unknown> {
  const { reasoning, maxOutputTokens, responseFormat, tools } = body;
  const { thinking, effort, maxTokens } = thinkingOf(model, reasoning, maxOutputTokens, defaultMaxOutputTokens);
  const format =
    responseFormat?.type === "json-schema"
      ? { type: "json_schema", schema: schemaForOutput(responseFormat.schema) }
      : undefined;
  const output = known({ effort, format });
  return {
    model,
    max_tokens: maxTokens,
    messages: body.messages.map((message) => wireMessage(message, owner)),
    ...known({
      system: systemOf(body),
      tools: tools?.map(wireTool),
      tool_choice: toolChoiceOf(body),
      thinking,
      output_config: Object.keys(output).length === 0 ? undefined : output,
      stop_sequences: body.stop,
      temperature: body.temperature,
      top_p: body.topP,
      top_k: body.topK,
      metadata: body.userId === undefined ? undefined : { user_id: body.userId },
    }),
    ...(isMarked(body) ? {} : cacheMark(body.cache)),
    ...optionsOf(body, owner).fields,
  };
}

/** Headers of the call: version, betas and the id of the request. */
export function wireHeaders({ body, correlation }: CallInput, owner: string) {
  const isSampled = body.temperature !== undefined || body.topP !== undefined || body.topK !== undefined;
  const { betas } = optionsOf(body, owner);
  return known({
    "x-millrace-request": correlation,
    "anthropic-version": isSampled ? "2023-06-01" : undefined,
    "anthropic-beta": betas.length === 0 ? undefined : betas.join(","),
  });
}

const anyObject = "Answer with one JSON object and nothing else: no words around it, no code fence.";

function systemOf(body: ChatBody) {
  const { system, responseFormat } = body;
  const wish = responseFormat?.type === "json" ? [{ type: "text", text: anyObject }] : [];
  if (typeof system === "string") return wish.length === 0 ? system : [{ type: "text", text: system }, ...wish];
  const texts = (system ?? []).map(({ text, cache }) => ({ type: "text", text, ...cacheMark(cache) }));
  return texts.length + wish.length === 0 ? undefined : [...texts, ...wish];
}

const wireTool = ({ name, description, parameters, strict, cache }: Tool) => ({
  name,
  input_schema: parameters,
  ...known({ description, strict }),
  ...cacheMark(cache),
});

function toolChoiceOf({ toolChoice, parallelToolCalls, tools }: ChatBody) {
  const oneOnly = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (toolChoice === undefined) return parallelToolCalls === false && tools ? { type: "auto", ...oneOnly } : undefined;
  if (typeof toolChoice === "object") return { type: "tool", name: toolChoice.name, ...oneOnly };
  if (toolChoice === "none") return { type: "none" };
  return { type: toolChoice === "required" ? "any" : "auto", ...oneOnly };
}

/** A schema that the SDK cannot bring into form goes as it is: the API says what is wrong with it. */
export function schemaForOutput(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return transformJSONSchema(schema);
  } catch {
    return schema;
  }
}

export const isMarked = (body: ChatBody): boolean =>
  [...(typeof body.system === "object" ? body.system : []), ...(body.tools ?? []), ...partsOf(body)].some(
    (marked) => "cache" in marked && marked.cache !== undefined,
  );

const optionsSchema = z.looseObject({ betas: z.array(z.string()).optional().catch(undefined) });
/** Betas that fields of the body need [D]. */
const betaOf: Readonly<Record<string, string>> = {
  context_management: "context-management-2025-06-27",
  mcp_servers: "mcp-client-2025-11-20",
};

function optionsOf({ providerOptions }: ChatBody, owner: string) {
  const { betas = [], ...fields } = optionsSchema.parse(providerOptions?.[owner] ?? {});
  const needed = Object.keys(fields).flatMap((field) => (Object.hasOwn(betaOf, field) ? [betaOf[field] ?? ""] : []));
  return { fields, betas: [...new Set([...needed, ...betas])] };
}
