/** A streamed chat completion as OpenAI's wire has it: the chunks of one answer, in order. */
import type { Delta } from "../../src/request/delta.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { completionUsage, finishWord, sealsOf } from "./openai-completion.ts";

export interface ChunkTerms {
  /** Without a prefix. */
  readonly id: string;
  readonly createdSeconds: number;
  /** As it was asked for: which one answers is known at the end. */
  readonly model: string;
  readonly includeUsage: boolean;
}

export interface Chunks {
  delta(delta: Delta): readonly object[];
  /** Why it ended, and what it took; with it what must come back sealed. */
  finish(result: Result, usage: Usage): readonly object[];
}

export function openChunks({ id, createdSeconds, model, includeUsage }: ChunkTerms): Chunks {
  let hasBegun = false;
  const head = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: createdSeconds };
  const around = (choices: readonly object[], usage: object | null = null) => ({
    ...head,
    model,
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const choice = (delta: object, finish: string | null = null) =>
    around([{ index: 0, delta, logprobs: null, finish_reason: finish }]);
  const first = (): object[] => {
    if (hasBegun) return [];
    hasBegun = true;
    return [choice({ role: "assistant", content: "", refusal: null })];
  };
  return {
    delta: (delta) => {
      const said = saidBy(delta);
      return said === undefined ? [] : [...first(), choice(said)];
    },
    finish: (result, usage) => [
      ...first(),
      choice(sealsOf(result.parts ?? []), finishWord(result)),
      ...(includeUsage ? [around([], completionUsage(usage))] : []),
    ],
  };
}

function saidBy(delta: Delta): object | undefined {
  if (delta.type === "text") return { content: delta.text };
  if (delta.type === "reasoning") return delta.text === "" ? undefined : { reasoning_content: delta.text };
  if (delta.type === "audio") return undefined;
  const { index, id, name, input } = delta;
  const opening = id === undefined ? {} : { id, type: "function" };
  return {
    tool_calls: [{ index, ...opening, function: { ...(name === undefined ? {} : { name }), arguments: input } }],
  };
}
