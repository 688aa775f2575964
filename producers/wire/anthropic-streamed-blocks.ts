/**
 * The content blocks of a streamed message. One is open at a time, and a piece of another kind closes it; a thought is over
 * with its seal.
 */
import type { Delta } from "../../src/request/delta.ts";
import type { AssistantPart } from "../../src/request/parts.ts";
import { callHead } from "./anthropic-message.ts";
import { thoughtBlock } from "./anthropic-thoughts.ts";

export interface MessageEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

type ThoughtDelta = Extract<Delta, { type: "reasoning" }>;
type CallDelta = Extract<Delta, { type: "tool-call" }>;

export interface StreamedBlocks {
  delta(delta: Delta): readonly MessageEvent[];
  /** Of a whole answer the parts that did not come as pieces. */
  rest(parts: readonly AssistantPart[]): readonly MessageEvent[];
  close(): readonly MessageEvent[];
}

export function openStreamedBlocks(): StreamedBlocks {
  let last = -1;
  let open: "text" | "thinking" | "tool_use" | undefined;
  /** Blocks of calls by the index of their call. */
  const calls = new Map<number, number>();
  const said = new Set<AssistantPart["type"]>();
  const called = new Set<string>();

  const close = (): readonly MessageEvent[] => {
    if (open === undefined) return [];
    open = undefined;
    return [{ type: "content_block_stop", index: last }];
  };
  const start = (kind: NonNullable<typeof open>, block: object): readonly MessageEvent[] => {
    const closed = close();
    last += 1;
    open = kind;
    return [...closed, { type: "content_block_start", index: last, content_block: block }];
  };
  const piece = (index: number, delta: object): MessageEvent => ({ type: "content_block_delta", index, delta });

  function text(text: string): readonly MessageEvent[] {
    if (text === "") return [];
    said.add("text");
    const opened = open === "text" ? [] : start("text", { type: "text", text: "", citations: null });
    return [...opened, piece(last, { type: "text_delta", text })];
  }

  function thought({ text, ...seal }: ThoughtDelta): readonly MessageEvent[] {
    const isOver = seal.signature !== undefined || seal.provider !== undefined;
    if (text === "" && !isOver) return [];
    said.add("reasoning");
    const block = thoughtBlock({ text, ...seal });
    if (block.type === "redacted_thinking") return [...start("thinking", block), ...close()];
    const opened = open === "thinking" ? [] : start("thinking", { type: "thinking", thinking: "", signature: "" });
    const words = text === "" ? [] : [piece(last, { type: "thinking_delta", thinking: text })];
    if (!isOver) return [...opened, ...words];
    return [...opened, ...words, piece(last, { type: "signature_delta", signature: block.signature }), ...close()];
  }

  function call({ index, id, name, input, signature }: CallDelta): readonly MessageEvent[] {
    const isNew = name !== undefined && !calls.has(index);
    if (isNew) calls.set(index, last + 1);
    const at = calls.get(index);
    if (at === undefined) return [];
    const named = isNew ? (id ?? `call_${index}`) : "";
    if (isNew) called.add(named);
    const seal = signature === undefined ? {} : { signature };
    const opened = isNew ? start("tool_use", { ...callHead(named, name), input: {}, ...seal }) : [];
    return input === "" ? opened : [...opened, piece(at, { type: "input_json_delta", partial_json: input })];
  }

  function delta(delta: Delta): readonly MessageEvent[] {
    switch (delta.type) {
      case "text":
        return text(delta.text);
      case "reasoning":
        return thought(delta);
      case "tool-call":
        return call(delta);
      case "audio":
        return [];
    }
  }

  const isSaid = (part: AssistantPart): boolean =>
    part.type === "tool-call" ? called.has(part.id) : said.has(part.type);
  const whole = (part: AssistantPart): readonly MessageEvent[] => {
    if (part.type !== "tool-call") return delta(part);
    const index = calls.size === 0 ? 0 : Math.max(...calls.keys()) + 1;
    return call({ ...part, index, input: JSON.stringify(part.input) });
  };
  return {
    delta,
    close,
    rest: (parts) => parts.filter((part) => !isSaid(part)).flatMap((part) => [...whole(part), ...close()]),
  };
}
