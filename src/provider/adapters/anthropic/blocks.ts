/** A streamed answer, put together from its events; each piece is reported as it comes. */
import { z } from "zod";
import type { Delta } from "../../../request/delta.ts";
import { type GrowingText, growingText } from "../../growing-text.ts";
import { type Block, blockSchema } from "./answer.ts";
import { hiddenSeal } from "./content.ts";

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
  stop(index: number): void;
  /** In order of their index. */
  blocks(): readonly Block[];
}

/** What of a block comes in pieces. */
type Field = "text" | "thinking" | "signature" | "json";

interface GrowingBlock {
  readonly begun: Block;
  readonly fields: Map<Field, GrowingText>;
}

/** `thinker` is told with each thought. */
export function assembleBlocks(thinker: string, onDelta: (delta: Delta) => void): BlockAssembly {
  const blocks = new Map<number, GrowingBlock>();
  /** Tool calls by the index of their block: 0, 1, … */
  const calls = new Map<number, number>();
  const say = (type: "text" | "reasoning", text: string | undefined) => {
    if (text) onDelta({ type, text });
  };
  const begin = (index: number, begun: Block): GrowingBlock => {
    const block = { begun, fields: new Map() };
    blocks.set(index, block);
    return block;
  };
  const grow = (index: number, type: string, field: Field, piece = ""): void => {
    const { begun, fields } = blocks.get(index) ?? begin(index, { type });
    const grown = fields.get(field) ?? growingText(begun[field]);
    grown.add(piece);
    fields.set(field, grown);
  };
  return {
    start(index, block) {
      begin(index, block);
      say("text", block.type === "text" ? block.text : undefined);
      say("reasoning", block.thinking);
      if (block.type !== "tool_use" || !block.id || !block.name) return;
      calls.set(index, calls.size);
      onDelta({ type: "tool-call", index: calls.size - 1, id: block.id, name: block.name, input: "" });
    },
    piece(index, delta) {
      if (delta.type === "text_delta") {
        grow(index, "text", "text", delta.text);
        say("text", delta.text);
      } else if (delta.type === "thinking_delta") {
        grow(index, "thinking", "thinking", delta.thinking);
        say("reasoning", delta.thinking);
      } else if (delta.type === "signature_delta") {
        grow(index, "thinking", "signature", delta.signature);
      } else if (delta.type === "input_json_delta") {
        grow(index, "tool_use", "json", delta.partial_json);
        const call = calls.get(index);
        if (call !== undefined && delta.partial_json) {
          onDelta({ type: "tool-call", index: call, input: delta.partial_json });
        }
      }
    },
    stop(index) {
      const grown = blocks.get(index);
      const block = grown === undefined ? undefined : asFarAsItCame(grown);
      const signature = block?.type === "redacted_thinking" ? hiddenSeal(block.data ?? "") : block?.signature;
      if (signature) onDelta({ type: "reasoning", text: "", signature, provider: thinker });
    },
    blocks: () => [...blocks].sort(([a], [b]) => a - b).map(([, block]) => asFarAsItCame(block)),
  };
}

function asFarAsItCame({ begun, fields }: GrowingBlock): Block {
  const block = { ...begun };
  for (const [field, grown] of fields) block[field] = grown.text();
  return block;
}
