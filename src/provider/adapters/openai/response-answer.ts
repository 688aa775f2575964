import { z } from "zod";
import type { CallOutcome } from "../../../request/outcome.ts";
import type { AssistantPart } from "../../../request/parts.ts";
import type { FinishReason } from "../../../request/result.ts";
import { answered } from "../../call-outcome.ts";
import type { Failing } from "../../failing.ts";
import { sideOf } from "./failure.ts";
import { sealed } from "./response-items.ts";
import { readCalls } from "./tool-calls.ts";
import { responseUsage, responseUsageSchema } from "./usage.ts";

const contentSchema = z.object({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() });
const textsSchema = z.array(z.object({ text: z.string() })).nullish();
const itemSchema = z.union([
  z.object({ type: z.literal("message"), content: z.array(contentSchema) }),
  z.object({ type: z.literal("function_call"), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.object({
    type: z.literal("reasoning"),
    id: z.string(),
    summary: textsSchema,
    content: textsSchema,
    encrypted_content: z.string().nullish(),
  }),
  // What the provider's own tools did.
  z.object({ type: z.string() }).transform(() => ({ type: "other" as const })),
]);

export const responseSchema = z.object({
  status: z.string().nullish(),
  output: z.array(itemSchema),
  incomplete_details: z.object({ reason: z.string().optional() }).nullish().catch(undefined),
  error: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  usage: responseUsageSchema,
});
export type WireResponse = z.infer<typeof responseSchema>;
type Item = WireResponse["output"][number];

/** The outcome of a response that has ended. `status`: of HTTP, where the answer came whole. */
export function responseOutcome(
  wire: WireResponse,
  { headers, status }: { readonly headers: Headers; readonly status?: number },
  provider: string,
  fail: Failing,
): CallOutcome {
  const usage = responseUsage(wire.usage);
  const side = { ...sideOf(headers), usage };
  if (wire.error) return fail.refused({ status, body: { error: wire.error }, headers }, side);
  const calls = readCalls(
    wire.output.flatMap((item) =>
      item.type === "function_call" ? [{ id: item.call_id, name: item.name, input: item.arguments }] : [],
    ),
  );
  if (!calls.ok) return fail.because({ kind: "server", message: calls.message }, side);
  const finish = finishOf(wire, calls.parts.length > 0);
  if (finish === undefined) {
    return fail.because({ kind: "server", message: `the response ended as ${wire.status ?? "nothing"}` }, side);
  }
  if (wire.output.length === 0 && finish.unified === "stop") {
    return fail.because({ kind: "server", message: "the answer is empty" }, side);
  }
  const waiting = [...calls.parts];
  const parts = wire.output.flatMap((item) => partsOf(item, waiting, provider));
  const text = wire.output.map(wordsOf).join("");
  const isText = parts.every(({ type }) => type === "text");
  return answered({ text, ...(isText ? {} : { parts }) }, finish, usage, side);
}

const wordsOf = (item: Item): string =>
  item.type === "message" ? item.content.map(({ text, refusal }) => `${text ?? ""}${refusal ?? ""}`).join("") : "";

/** In the order of the wire; `calls` are the read ones, taken from the front. */
function partsOf(item: Item, calls: AssistantPart[], provider: string): readonly AssistantPart[] {
  switch (item.type) {
    case "message": {
      const text = wordsOf(item);
      return text === "" ? [] : [{ type: "text", text }];
    }
    case "function_call":
      return calls.splice(0, 1);
    case "reasoning": {
      const texts = [...(item.summary ?? []), ...(item.content ?? [])].map(({ text }) => text);
      const signature = sealed(item.id, item.encrypted_content);
      return [{ type: "reasoning", text: texts.join("\n\n"), signature, provider }];
    }
    case "other":
      return [];
  }
}

function finishOf(wire: WireResponse, hasCalls: boolean): FinishReason | undefined {
  const raw = wire.incomplete_details?.reason ?? wire.status ?? "";
  if (wire.status === "incomplete") {
    return {
      unified: raw === "max_output_tokens" ? "length" : raw === "content_filter" ? "content-filter" : "other",
      raw,
    };
  }
  if (wire.status !== "completed") return undefined;
  if (hasCalls) return { unified: "tool-calls", raw };
  const isRefusal = wire.output.some(
    (item) => item.type === "message" && item.content.some(({ type }) => type === "refusal"),
  );
  return { unified: isRefusal ? "content-filter" : "stop", raw };
}
