/** Answers as OpenAI's wire has them: a chat completion, or a list of embeddings. */
import type { AssistantPart, ReasoningPart, ToolCallPart } from "../../src/request/parts.ts";
import type { FinishReason, Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";

export interface Answered {
  /** Without a prefix. */
  readonly id: string;
  readonly createdSeconds: number;
  readonly result: Result;
  readonly usage: Usage;
  /** Vectors as base64 of 32-bit floats, little end first. */
  readonly isPacked?: boolean;
}

export const openaiBody = (answered: Answered): object =>
  answered.result.embeddings === undefined ? completion(answered) : embeddingList(answered);

const completion = ({ id, createdSeconds, result, usage }: Answered) => ({
  id: `chatcmpl-${id}`,
  object: "chat.completion",
  created: createdSeconds,
  model: result.model,
  choices: [{ index: 0, message: messageOf(result), logprobs: null, finish_reason: finishWord(result) }],
  usage: completionUsage(usage),
});

/** An assistant's turn that can be sent back as it is. */
export function messageOf({ text, parts = [], finish }: Pick<Result, "text" | "parts" | "finish">) {
  const calls = parts.filter((part) => part.type === "tool-call");
  const refused = isRefusal({ text, finish });
  return {
    role: "assistant",
    content: refused || (text === "" && calls.length > 0) ? null : text,
    refusal: refused ? text : null,
    ...reasoningOf(parts),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callOf) }),
  };
}

/** The model came to an end of its own, and what it said is that it will not: one word is OpenAI's, the other Anthropic's. */
export const isRefusal = ({ text, finish }: Pick<Result, "text" | "finish">): boolean =>
  finish.unified === "content-filter" && ["stop", "refusal"].includes(finish.raw) && text !== "";

/** Of a streamed answer: what no piece of it carries, beside what they say. */
export function sealsOf(parts: readonly AssistantPart[]): object {
  const { reasoning_parts: thoughts } = reasoningOf(parts);
  const calls = parts.filter((part) => part.type === "tool-call");
  const sealed = calls.flatMap(({ signature }, index) => (signature === undefined ? [] : [{ index, signature }]));
  return {
    ...(thoughts === undefined ? {} : { reasoning_parts: thoughts }),
    ...(sealed.length === 0 ? {} : { tool_calls: sealed }),
  };
}

/** As many others name it; what must come back sealed or to its own provider stands beside it whole. */
function reasoningOf(parts: readonly AssistantPart[]): ReasoningFields {
  const thoughts = parts.filter((part): part is ReasoningPart => part.type === "reasoning");
  if (thoughts.length === 0) return {};
  const isPlain =
    thoughts.length === 1 && thoughts.every((part) => part.text !== "" && !part.signature && !part.provider);
  return {
    reasoning_content: thoughts.map(({ text }) => text).join("\n\n"),
    ...(isPlain ? {} : { reasoning_parts: thoughts.map(({ type: _type, ...part }) => part) }),
  };
}

interface ReasoningFields {
  readonly reasoning_content?: string;
  readonly reasoning_parts?: readonly object[];
}

const callOf = ({ id, name, input, signature }: ToolCallPart) => ({
  id,
  type: "function",
  function: { name, arguments: JSON.stringify(input) },
  ...(signature === undefined ? {} : { signature }),
});

/** OpenAI's words; it has none for "other". */
const finishReasons: Readonly<Record<FinishReason["unified"], string>> = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  "tool-calls": "tool_calls",
  other: "stop",
};

export const finishWord = (result: Result): string =>
  isRefusal(result) ? "stop" : finishReasons[result.finish.unified];

/** Null unless both sides are known: clients add these up. */
export function completionUsage(usage: Usage) {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens === undefined || outputTokens === undefined) return null;
  const input = known({ cached_tokens: usage.cacheReadTokens, audio_tokens: usage.audioInputTokens });
  const output = known({ reasoning_tokens: usage.reasoningTokens, audio_tokens: usage.audioOutputTokens });
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(input === undefined ? {} : { prompt_tokens_details: input }),
    ...(output === undefined ? {} : { completion_tokens_details: output }),
  };
}

function known(counts: Readonly<Record<string, number | undefined>>) {
  const found = Object.entries(counts).filter(([, count]) => count !== undefined);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

const embeddingList = ({ result, usage: { inputTokens }, isPacked }: Answered) => ({
  object: "list",
  data: (result.embeddings ?? []).map((embedding, index) => ({
    object: "embedding",
    index,
    embedding: isPacked === true ? packed(embedding) : embedding,
  })),
  model: result.model,
  usage: inputTokens === undefined ? null : { prompt_tokens: inputTokens, total_tokens: inputTokens },
});

function packed(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, at) => {
    bytes.writeFloatLE(value, at * 4);
  });
  return bytes.toString("base64");
}
