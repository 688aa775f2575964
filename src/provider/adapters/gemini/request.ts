/**
 * A chat as Gemini's generateContent takes it, at Google's API and at Vertex. Pure.
 *  - JSON Schema goes out as it stands (`responseJsonSchema`, `parametersJsonSchema`), not in the older subset of OpenAPI.
 *  - `parallelToolCalls`, marks of the cache, `detail` and `userId`: there are none. Left out, so that one body can travel
 *    a route over several vendors.
 *  - `strict` tools: mode VALIDATED, where the caller leaves the choice to the model.
 */
import { type ChatBody, systemText } from "../../../request/body.ts";
import { known } from "../../../runtime/known.ts";
import { contentsOf, type Reader, unsayable } from "./contents.ts";
import { thinkingOf } from "./thinking.ts";

export type WireObject = Readonly<Record<string, unknown>>;

/** The body to send, or why it cannot be. */
export type Translated =
  | { readonly ok: true; readonly body: WireObject & { readonly contents: readonly object[] } }
  | { readonly ok: false; readonly message: string };

export function requestOf(body: ChatBody, reader: Reader): Translated {
  const message = unsayable(body.messages);
  if (message !== undefined) return { ok: false, message };
  const own = body.providerOptions?.[reader.provider] ?? {};
  const wire = {
    ...known({
      systemInstruction: systemOf(body),
      tools: toolsOf(body),
      toolConfig: toolConfigOf(body),
      safetySettings: body.safety,
    }),
    generationConfig: generationConfigOf(body, reader),
  };
  return { ok: true, body: { contents: contentsOf(body.messages, reader), ...merged(wire, own) } };
}

const systemOf = (body: ChatBody) =>
  body.system === undefined
    ? undefined
    : {
        parts:
          typeof body.system === "string" ? [{ text: systemText(body) }] : body.system.map(({ text }) => ({ text })),
      };

const toolsOf = ({ tools }: ChatBody) =>
  tools === undefined
    ? undefined
    : [
        {
          functionDeclarations: tools.map(({ name, description, parameters }) => ({
            name,
            ...known({ description }),
            parametersJsonSchema: parameters,
          })),
        },
      ];

function toolConfigOf({ tools, toolChoice = "auto" }: ChatBody): object | undefined {
  if (tools === undefined) return undefined;
  if (typeof toolChoice === "object") {
    return { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [toolChoice.name] } };
  }
  const isStrict = tools.some(({ strict }) => strict === true);
  if (toolChoice === "auto") return isStrict ? { functionCallingConfig: { mode: "VALIDATED" } } : undefined;
  return { functionCallingConfig: { mode: toolChoice === "required" ? "ANY" : "NONE" } };
}

function generationConfigOf(body: ChatBody, { model }: Reader): WireObject {
  const { maxOutputTokens, stop, temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = body;
  const { responseFormat: format } = body;
  return known({
    maxOutputTokens,
    stopSequences: stop,
    temperature,
    topP,
    topK,
    seed,
    presencePenalty,
    frequencyPenalty,
    responseMimeType: format === undefined || format.type === "text" ? undefined : "application/json",
    responseJsonSchema: format?.type === "json-schema" ? format.schema : undefined,
    thinkingConfig: thinkingOf(body.reasoning, model),
  });
}

/** The caller's own fields of the wire come last; objects are merged, and their tools stand beside those of the request. */
export function merged(wire: WireObject, own: WireObject): WireObject {
  const both = Object.entries(own).map(([name, value]) => [name, mergedField(name, wire[name], value)]);
  return { ...wire, ...Object.fromEntries(both) };
}

function mergedField(name: string, wire: unknown, own: unknown): unknown {
  if (name === "tools" && Array.isArray(wire) && Array.isArray(own)) return [...wire, ...own];
  return isPlain(wire) && isPlain(own) ? merged(wire, own) : own;
}

const isPlain = (value: unknown): value is WireObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
