/** A streamed answer of Converse, put together from its events; each piece is reported as it comes. */
import type { Delta } from "../../../request/delta.ts";
import type { Block } from "./answer.ts";

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
  /** In order of their index. */
  blocks(): readonly Block[];
}

export function assembleBlocks(onDelta: (delta: Delta) => void): BlockAssembly {
  const blocks = new Map<number, Block>();
  /** Tool calls by the index of their block: 0, 1, … */
  const calls = new Map<number, number>();
  const textAt = (index: number): Extract<Block, { kind: "text" }> => {
    const found = blocks.get(index);
    const block = found?.kind === "text" ? found : { kind: "text" as const, text: "" };
    blocks.set(index, block);
    return block;
  };
  const thoughtAt = (index: number): Extract<Block, { kind: "thought" }> => {
    const found = blocks.get(index);
    const block = found?.kind === "thought" ? found : { kind: "thought" as const, text: "" };
    blocks.set(index, block);
    return block;
  };
  return {
    start(index, start) {
      if (start?.toolUse === undefined) return;
      const { toolUseId: id, name } = start.toolUse;
      blocks.set(index, { kind: "call", id, name, json: "" });
      calls.set(index, calls.size);
      onDelta({ type: "tool-call", index: calls.size - 1, id, name, input: "" });
    },
    piece(index, piece) {
      if (piece?.text) {
        textAt(index).text += piece.text;
        onDelta({ type: "text", text: piece.text });
      }
      if (piece?.toolUse?.input) addInput(index, piece.toolUse.input);
      if (piece?.reasoningContent) addThought(index, piece.reasoningContent);
    },
    blocks: () => [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block),
  };

  function addInput(index: number, input: string) {
    const block = blocks.get(index);
    const call = calls.get(index);
    if (block?.kind !== "call" || call === undefined) return;
    block.json = `${block.json ?? ""}${input}`;
    onDelta({ type: "tool-call", index: call, input });
  }

  function addThought(index: number, { text, signature, redactedContent }: NonNullable<Piece["reasoningContent"]>) {
    const block = thoughtAt(index);
    if (signature !== undefined) block.signature = `${block.signature ?? ""}${signature}`;
    if (redactedContent !== undefined) block.cipher = Buffer.concat([block.cipher ?? Buffer.alloc(0), redactedContent]);
    if (!text) return;
    block.text += text;
    onDelta({ type: "reasoning", text });
  }
}
