/** A streamed answer of Converse, put together from its events; each piece is reported as it comes. */
import type { Delta } from "../../../request/delta.ts";
import { known } from "../../../runtime/known.ts";
import { type GrowingText, growingText } from "../../growing-text.ts";
import { type Block, sealOf } from "./answer.ts";
import { thinker } from "./content.ts";

interface Start {
  readonly toolUse?: { readonly toolUseId: string; readonly name: string } | undefined;
}
interface Piece {
  readonly text?: string | undefined;
  readonly toolUse?: { readonly input?: string | undefined } | undefined;
  readonly reasoningContent?:
    | {
        readonly text?: string | undefined;
        readonly signature?: string | undefined;
        readonly redactedContent?: Uint8Array | undefined;
      }
    | undefined;
}

export interface BlockAssembly {
  /** Only tool calls announce themselves. */
  start(index: number, start: Start | undefined): void;
  piece(index: number, piece: Piece | undefined): void;
  stop(index: number): void;
  /** In order of their index. */
  blocks(): readonly Block[];
}

type GrowingBlock =
  | { readonly kind: "text"; readonly grown: GrowingText }
  | { readonly kind: "thought"; readonly grown: GrowingText; signature?: string; cipher?: Uint8Array }
  | { readonly kind: "call"; readonly grown: GrowingText; readonly id: string; readonly name: string };

export function assembleBlocks(onDelta: (delta: Delta) => void): BlockAssembly {
  const blocks = new Map<number, GrowingBlock>();
  /** Tool calls by the index of their block: 0, 1, … */
  const calls = new Map<number, number>();
  const begin = <Begun extends GrowingBlock>(index: number, block: Begun): Begun => {
    blocks.set(index, block);
    return block;
  };
  return {
    start(index, start) {
      if (start?.toolUse === undefined) return;
      const { toolUseId: id, name } = start.toolUse;
      begin(index, { kind: "call", id, name, grown: growingText() });
      calls.set(index, calls.size);
      onDelta({ type: "tool-call", index: calls.size - 1, id, name, input: "" });
    },
    piece(index, piece) {
      if (piece?.text) addText(index, piece.text);
      if (piece?.toolUse?.input) addInput(index, piece.toolUse.input);
      if (piece?.reasoningContent) addThought(index, piece.reasoningContent);
    },
    stop(index) {
      const block = blocks.get(index);
      const signature = block?.kind === "thought" ? sealOf(block) : undefined;
      if (signature !== undefined) onDelta({ type: "reasoning", text: "", signature, provider: thinker });
    },
    blocks: () => [...blocks].sort(([a], [b]) => a - b).map(([, block]) => asFarAsItCame(block)),
  };

  function addText(index: number, text: string) {
    const found = blocks.get(index);
    const block = found?.kind === "text" ? found : begin(index, { kind: "text", grown: growingText() });
    block.grown.add(text);
    onDelta({ type: "text", text });
  }

  function addInput(index: number, input: string) {
    const block = blocks.get(index);
    const call = calls.get(index);
    if (block?.kind !== "call" || call === undefined) return;
    block.grown.add(input);
    onDelta({ type: "tool-call", index: call, input });
  }

  function addThought(index: number, { text, signature, redactedContent }: NonNullable<Piece["reasoningContent"]>) {
    const found = blocks.get(index);
    const block: Extract<GrowingBlock, { kind: "thought" }> =
      found?.kind === "thought" ? found : begin(index, { kind: "thought", grown: growingText() });
    if (signature !== undefined) block.signature = `${block.signature ?? ""}${signature}`;
    if (redactedContent !== undefined) block.cipher = Buffer.concat([block.cipher ?? Buffer.alloc(0), redactedContent]);
    if (!text) return;
    block.grown.add(text);
    onDelta({ type: "reasoning", text });
  }
}

function asFarAsItCame(block: GrowingBlock): Block {
  const text = block.grown.text();
  switch (block.kind) {
    case "text":
      return { kind: "text", text };
    case "thought":
      return { kind: "thought", text, ...known({ signature: block.signature, cipher: block.cipher }) };
    case "call":
      return { kind: "call", id: block.id, name: block.name, json: text };
  }
}
