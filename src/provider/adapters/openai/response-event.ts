import { z } from "zod";
import type { Delta } from "../../../request/delta.ts";
import { responseSchema, type WireResponse } from "./response-answer.ts";
import { sealed } from "./response-items.ts";

export type ResponseEvent =
  | { readonly kind: "delta"; readonly delta: Delta }
  | { readonly kind: "end"; readonly response: WireResponse }
  | { readonly kind: "error"; readonly error: object }
  | { readonly kind: "unreadable" }
  | { readonly kind: "other" };

const typed = z.object({ type: z.string() });
/** A gateway's, in the envelope of an answer that failed. */
const enveloped = z.object({ error: z.object({}).loose() });
const piece = z.object({ delta: z.string() });
const added = z.object({
  output_index: z.number(),
  item: z.object({ type: z.literal("function_call"), call_id: z.string(), name: z.string() }),
});
const argument = z.object({ output_index: z.number(), delta: z.string() });
const thought = z.object({
  item: z.object({ type: z.literal("reasoning"), id: z.string(), encrypted_content: z.string().nullish() }),
});
const end = z.object({ response: responseSchema });

/** Reads the events of one stream, one after the other; it remembers which item is which tool call. Thoughts are `provider`'s. */
export function readResponseEvent(provider: string): (data: unknown) => ResponseEvent {
  const calls = new Map<number, number>();
  const other: ResponseEvent = { kind: "other" };
  const unreadable: ResponseEvent = { kind: "unreadable" };
  const words = (type: "text" | "reasoning", data: unknown): ResponseEvent => {
    const { success, data: found } = piece.safeParse(data);
    if (!success) return unreadable;
    return found.delta === "" ? other : { kind: "delta", delta: { type, text: found.delta } };
  };
  return (data) => {
    const told = enveloped.safeParse(data).data?.error;
    if (told !== undefined) return { kind: "error", error: told };
    switch (typed.safeParse(data).data?.type) {
      case undefined:
        return unreadable;
      case "response.output_text.delta":
      case "response.refusal.delta":
        return words("text", data);
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return words("reasoning", data);
      case "response.output_item.added": {
        const found = added.safeParse(data).data;
        if (found === undefined) return other;
        const index = calls.size;
        calls.set(found.output_index, index);
        const { call_id: id, name } = found.item;
        return { kind: "delta", delta: { type: "tool-call", index, id, name, input: "" } };
      }
      case "response.output_item.done": {
        const item = thought.safeParse(data).data?.item;
        if (item === undefined) return other;
        const signature = sealed(item.id, item.encrypted_content);
        return { kind: "delta", delta: { type: "reasoning", text: "", signature, provider } };
      }
      case "response.function_call_arguments.delta": {
        const found = argument.safeParse(data).data;
        if (found === undefined) return unreadable;
        const index = calls.get(found.output_index) ?? 0;
        return { kind: "delta", delta: { type: "tool-call", index, input: found.delta } };
      }
      case "response.completed":
      case "response.incomplete":
      case "response.failed": {
        const found = end.safeParse(data).data;
        return found === undefined ? unreadable : { kind: "end", response: found.response };
      }
      case "error":
        return { kind: "error", error: Object(data) };
      default:
        return other;
    }
  };
}
