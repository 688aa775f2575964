/** What a call of generateContent asks for. */
import { z } from "zod";
import { partText } from "./part-text.ts";
import { invalid, problemOf } from "./problem.ts";
import type { Arrival, Reading } from "./wire.ts";
import type { Wish } from "./wish.ts";
import { writtenSchema } from "./written-schema.ts";

const contentSchema = z.object({
  role: z.string().optional(),
  parts: z.array(z.looseObject({ text: z.string().optional() })).optional(),
});
const declarationSchema = z.object({
  name: z.string(),
  parameters: writtenSchema.optional(),
  parametersJsonSchema: writtenSchema.optional(),
});
const requestSchema = z.object({
  contents: z.array(contentSchema).min(1, "contents is not specified"),
  systemInstruction: contentSchema.optional(),
  system_instruction: contentSchema.optional(),
  generationConfig: z
    .object({
      maxOutputTokens: z.int().min(1).optional(),
      stopSequences: z.array(z.string()).optional(),
      candidateCount: z.literal(1, "the simulator gives one candidate").optional(),
      responseMimeType: z.string().optional(),
      responseSchema: writtenSchema.optional(),
      responseJsonSchema: writtenSchema.optional(),
    })
    .optional(),
  tools: z.array(z.object({ functionDeclarations: z.array(declarationSchema).optional() })).optional(),
  toolConfig: z
    .object({
      functionCallingConfig: z
        .object({ mode: z.string().optional(), allowedFunctionNames: z.array(z.string()).optional() })
        .optional(),
    })
    .optional(),
});
type GeminiRequest = z.infer<typeof requestSchema>;

export function readGemini(body: unknown, { model, stream, query }: Arrival): Reading {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return invalid(problemOf(parsed.error));
  if (stream === true && query.get("alt") !== "sse") {
    return invalid({ path: "alt", isMissing: false, message: "the simulator streams with alt=sse only" });
  }
  const { contents, systemInstruction, system_instruction, generationConfig } = parsed.data;
  const system = systemInstruction ?? system_instruction;
  return {
    ok: true,
    ask: {
      model: model ?? "",
      text: [...(system === undefined ? [] : [system]), ...contents].map(textOf).join("\n"),
      maxOutputTokens: generationConfig?.maxOutputTokens,
      stop: generationConfig?.stopSequences ?? [],
      stream: stream ?? false,
      usageInStream: true,
      wish: wishOf(parsed.data),
    },
  };
}

function wishOf({ tools, toolConfig, contents, generationConfig }: GeminiRequest): Wish {
  const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {};
  const declared = (tools ?? []).flatMap(({ functionDeclarations }) => functionDeclarations ?? []);
  const { responseMimeType, responseSchema, responseJsonSchema } = generationConfig ?? {};
  return {
    tools: declared
      .filter(({ name }) => mode !== "NONE" && (allowed === undefined || allowed.includes(name)))
      .map(({ name, parameters, parametersJsonSchema }) => ({
        name,
        schema: parametersJsonSchema ?? parameters ?? {},
      })),
    must: mode === "ANY" ? "some" : undefined,
    single: false,
    hasResult: contents.at(-1)?.parts?.some((part) => "functionResponse" in part) ?? false,
    json: responseMimeType === "application/json" ? { schema: responseJsonSchema ?? responseSchema ?? {} } : undefined,
  };
}

const textOf = ({ parts }: z.infer<typeof contentSchema>): string => (parts ?? []).map(partText).join("");
