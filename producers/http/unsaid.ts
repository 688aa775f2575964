/**
 * Keeps account of what a stream has told of an answer. What got lost on the way (a Redis that was wiped) is told at the
 * end, from the result; where that is no longer possible, the end must not look like one. Pure.
 */
import { isDeepStrictEqual } from "node:util";
import type { Delta } from "../../src/request/delta.ts";
import type { AssistantPart, ToolCallPart } from "../../src/request/parts.ts";
import type { Result } from "../../src/request/result.ts";
import { known } from "../../src/runtime/known.ts";

export interface Account {
  hear(delta: Delta): void;
  /** What the result holds beyond what was told; undefined: what was told is not the beginning of it. */
  rest(result: Result): readonly Delta[] | undefined;
}

export function openAccount(): Account {
  let text = "";
  let hasThought = false;
  const inputs: string[] = [];
  return {
    hear(delta) {
      if (delta.type === "text") text += delta.text;
      else if (delta.type === "reasoning") hasThought = true;
      else if (delta.type === "tool-call") inputs[delta.index] = `${inputs[delta.index] ?? ""}${delta.input}`;
    },
    rest(result) {
      const calls = (result.parts ?? []).filter(isCall);
      const isBroken = inputs.some((input, at) => !isInput(input, calls[at]));
      if (!result.text.startsWith(text) || isBroken) return undefined;
      const untold = result.text.slice(text.length);
      const hasBegun = text !== "" || inputs.length > 0;
      return [
        ...(hasThought || hasBegun ? [] : thoughtsOf(result.parts ?? [])),
        ...(untold === "" ? [] : [{ type: "text" as const, text: untold }]),
        ...calls.slice(inputs.length).map((call, at) => deltaOf(call, inputs.length + at)),
      ];
    },
  };
}

const isCall = (part: AssistantPart): part is ToolCallPart => part.type === "tool-call";

const thoughtsOf = (parts: readonly AssistantPart[]): readonly Delta[] =>
  parts.flatMap((part) =>
    part.type === "reasoning" && part.text !== ""
      ? [{ type: part.type, text: part.text, ...known({ signature: part.signature, provider: part.provider }) }]
      : [],
  );

const deltaOf = ({ id, name, input, signature }: ToolCallPart, index: number): Delta => ({
  type: "tool-call",
  index,
  id,
  name,
  input: JSON.stringify(input),
  ...known({ signature }),
});

/** Models write their JSON as they like. */
function isInput(written: string | undefined, call: ToolCallPart | undefined): boolean {
  if (call === undefined) return false;
  try {
    return isDeepStrictEqual(JSON.parse(written || "{}"), call.input);
  } catch {
    return false;
  }
}
