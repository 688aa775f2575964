/**
 * The events of a streamed response as OpenAI's wire has them. Items open with their first word and close with the first
 * word of another; the last event brings the whole response once more, and that one counts.
 */
import type { Delta } from "../../src/request/delta.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { type ResponseError, type ResponseTerms, responseJson } from "./openai-response.ts";
import { callId, messageId, messageItem, textPart, thoughtId, thoughtItem } from "./openai-response-output.ts";

export interface ResponseEvent {
  readonly type: string;
  /** From 0, without a gap. */
  readonly sequence_number: number;
}

export interface ResponseEvents {
  delta(delta: Delta): readonly ResponseEvent[];
  finish(result: Result, usage: Usage): readonly ResponseEvent[];
  fail(error: ResponseError): readonly ResponseEvent[];
}

/** What is being said: `at` is its place in the output, `written` all that was said of it. */
interface OpenItem {
  readonly kind: "message" | "reasoning" | "call";
  readonly id: string;
  readonly at: number;
  readonly call?: { readonly index: number; readonly call_id: string; readonly name: string };
  written: string;
}

export function openResponseEvents(terms: ResponseTerms & { readonly model: string }): ResponseEvents {
  const { id, model } = terms;
  let next = 0;
  let items = 0;
  let open: OpenItem | undefined;
  const counts = { message: 0, reasoning: 0, call: 0 };
  const event = (type: string, more: object): ResponseEvent => ({ type, sequence_number: next++, ...more });
  const begin = (): readonly ResponseEvent[] => {
    if (next > 0) return [];
    const response = responseJson(terms, { status: "in_progress", model });
    return [event("response.created", { response }), event("response.in_progress", { response })];
  };
  const close = (): readonly ResponseEvent[] => {
    const item = open;
    open = undefined;
    return item === undefined ? [] : closing[item.kind](item, event);
  };
  const opened = (kind: OpenItem["kind"], itemId: string, call?: OpenItem["call"]): OpenItem => {
    counts[kind] += 1;
    return { kind, id: itemId, at: items++, written: "", ...(call === undefined ? {} : { call }) };
  };
  /** The item that this delta belongs to, and what must be told before it. */
  const itemFor = (delta: Exclude<Delta, { type: "audio" }>): readonly [OpenItem, readonly ResponseEvent[]] => {
    const kind = kinds[delta.type];
    const isSame = open?.kind === kind && (delta.type !== "tool-call" || open.call?.index === delta.index);
    if (open !== undefined && isSame) return [open, []];
    const closed = close();
    const itemId = ids[kind](id, counts[kind]);
    const item =
      delta.type === "tool-call"
        ? opened(kind, itemId, { index: delta.index, call_id: delta.id ?? itemId, name: delta.name ?? "" })
        : opened(kind, itemId);
    open = item;
    return [item, [...closed, ...opening[kind](item, event)]];
  };
  return {
    delta(delta) {
      if (delta.type === "audio") return [];
      const begun = begin();
      const [item, before] = itemFor(delta);
      const words = delta.type === "tool-call" ? delta.input : delta.text;
      item.written += words;
      return [...begun, ...before, ...(words === "" ? [] : [piece[item.kind](item, words, event)])];
    },
    finish(result, usage) {
      const response = responseJson(terms, { status: "ended", result, usage });
      return [...begin(), ...close(), event(`response.${response.status}`, { response })];
    },
    fail(error) {
      const response = responseJson(terms, { status: "failed", model, error });
      return [...begin(), event("response.failed", { response })];
    },
  };
}

type Make = (type: string, more: object) => ResponseEvent;
type Kind = OpenItem["kind"];

const kinds = { text: "message", reasoning: "reasoning", "tool-call": "call" } as const;
const ids: Readonly<Record<Kind, (requestId: string, at: number) => string>> = {
  message: messageId,
  reasoning: thoughtId,
  call: callId,
};

const placeOf = ({ id, at }: OpenItem) => ({ item_id: id, output_index: at });
const inText = (item: OpenItem) => ({ ...placeOf(item), content_index: 0 });
const inSummary = (item: OpenItem) => ({ ...placeOf(item), summary_index: 0 });

const opening: Readonly<Record<Kind, (item: OpenItem, event: Make) => readonly ResponseEvent[]>> = {
  message: (item, event) => [
    event("response.output_item.added", {
      output_index: item.at,
      item: { ...messageItem(item.id, ""), status: "in_progress", content: [] },
    }),
    event("response.content_part.added", { ...inText(item), part: textPart("") }),
  ],
  reasoning: (item, event) => [
    event("response.output_item.added", { output_index: item.at, item: thoughtItem(item.id, thoughtOf("")) }),
    event("response.reasoning_summary_part.added", { ...inSummary(item), part: summaryPart("") }),
  ],
  call: (item, event) => [
    event("response.output_item.added", { output_index: item.at, item: writtenCall(item, "in_progress", "") }),
  ],
};

const piece: Readonly<Record<Kind, (item: OpenItem, delta: string, event: Make) => ResponseEvent>> = {
  message: (item, delta, event) => event("response.output_text.delta", { ...inText(item), delta, logprobs: [] }),
  reasoning: (item, delta, event) => event("response.reasoning_summary_text.delta", { ...inSummary(item), delta }),
  call: (item, delta, event) => event("response.function_call_arguments.delta", { ...placeOf(item), delta }),
};

const closing: Readonly<Record<Kind, (item: OpenItem, event: Make) => readonly ResponseEvent[]>> = {
  message: (item, event) => [
    event("response.output_text.done", { ...inText(item), text: item.written, logprobs: [] }),
    event("response.content_part.done", { ...inText(item), part: textPart(item.written) }),
    event("response.output_item.done", { output_index: item.at, item: messageItem(item.id, item.written) }),
  ],
  reasoning: (item, event) => [
    event("response.reasoning_summary_text.done", { ...inSummary(item), text: item.written }),
    event("response.reasoning_summary_part.done", { ...inSummary(item), part: summaryPart(item.written) }),
    event("response.output_item.done", { output_index: item.at, item: thoughtItem(item.id, thoughtOf(item.written)) }),
  ],
  call: (item, event) => {
    const input = item.written === "" ? "{}" : item.written;
    return [
      event("response.function_call_arguments.done", {
        ...placeOf(item),
        name: item.call?.name ?? "",
        arguments: input,
      }),
      event("response.output_item.done", { output_index: item.at, item: writtenCall(item, "completed", input) }),
    ];
  },
};

const thoughtOf = (text: string) => ({ type: "reasoning" as const, text });
const summaryPart = (text: string) => ({ type: "summary_text", text });
const writtenCall = ({ id, call }: OpenItem, status: string, input: string) => ({
  id,
  type: "function_call",
  status,
  call_id: call?.call_id ?? id,
  name: call?.name ?? "",
  arguments: input,
});
