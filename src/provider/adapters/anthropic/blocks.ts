/** A streamed answer, put together from its events; each piece is reported as it comes. */
import { z } from "zod";
import type { Delta } from "../../../request/delta.ts";
import { type Block, blockSchema } from "./answer.ts";

export const deltaSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  signature: z.string().optional(),
  partial_json: z.string().optional(),
});
export const startSchema = blockSchema;

export interface BlockAssembly {
  start(index: number, block: Block): void;
  piece(index: number, delta: z.infer<typeof deltaSchema>): void;
  /** In order of their index. */
  blocks(): readonly Block[];
}

export function assembleBlocks(onDelta: (delta: Delta) => void): BlockAssembly {
  const blocks = new Map<number, Block>();
  /** Tool calls by the index of their block: 0, 1, … */
  const calls = new Map<number, number>();
  const say = (type: "text" | "reasoning", text: string | undefined) => {
    if (text) onDelta({ type, text });
  };
  const blockAt = (index: number, type: string): Block => {
    const block = blocks.get(index) ?? { type };
    blocks.set(index, block);
    return block;
  };
  return {
    start(index, block) {
      blocks.set(index, { ...block });
      say("text", block.type === "text" ? block.text : undefined);
      say("reasoning", block.thinking);
      if (block.type !== "tool_use" || !block.id || !block.name) return;
      calls.set(index, calls.size);
      onDelta({ type: "tool-call", index: calls.size - 1, id: block.id, name: block.name, input: "" });
    },
    piece(index, delta) {
      if (delta.type === "text_delta") {
        const block = blockAt(index, "text");
        block.text = `${block.text ?? ""}${delta.text ?? ""}`;
        say("text", delta.text);
      } else if (delta.type === "thinking_delta") {
        const block = blockAt(index, "thinking");
        block.thinking = `${block.thinking ?? ""}${delta.thinking ?? ""}`;
        say("reasoning", delta.thinking);
      } else if (delta.type === "signature_delta") {
        const block = blockAt(index, "thinking");
        block.signature = `${block.signature ?? ""}${delta.signature ?? ""}`;
      } else if (delta.type === "input_json_delta") {
        const block = blockAt(index, "tool_use");
        block.json = `${block.json ?? ""}${delta.partial_json ?? ""}`;
        const call = calls.get(index);
        if (call !== undefined && delta.partial_json) {
          onDelta({ type: "tool-call", index: call, input: delta.partial_json });
        }
      }
    },
    blocks: () => [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block),
  };
}
