/** A streamed message as Anthropic's wire has it: the events of one answer, in order. An event is named by its type. */
import type { Delta } from "../../src/request/delta.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { answerParts, messageHead, stopOf } from "./anthropic-message.ts";
import { type MessageEvent, openStreamedBlocks } from "./anthropic-streamed-blocks.ts";
import { anthropicUsage } from "./anthropic-usage.ts";

export interface MessageTerms {
  /** Without a prefix. */
  readonly id: string;
  /** As it was asked for: which one answers is known at the end. */
  readonly model: string;
  /** Estimated; what was counted comes with the last events. */
  readonly inputTokens: number;
}

export interface MessageEvents {
  delta(delta: Delta): readonly MessageEvent[];
  /** What was not streamed, why it ended, and what it took. */
  finish(result: Result, usage: Usage): readonly MessageEvent[];
}

export function openMessageEvents({ id, model, inputTokens }: MessageTerms): MessageEvents {
  const blocks = openStreamedBlocks();
  let hasBegun = false;
  const begun = (events: readonly MessageEvent[]): readonly MessageEvent[] => {
    if (hasBegun || events.length === 0) return events;
    hasBegun = true;
    const usage = { ...anthropicUsage({}), input_tokens: inputTokens, output_tokens: 0 };
    const message = { ...messageHead(id, model), content: [], ...unended, usage };
    return [{ type: "message_start", message }, ...events];
  };
  return {
    delta: (delta) => begun(blocks.delta(delta)),
    finish: (result, usage) =>
      begun([
        ...blocks.rest(answerParts(result)),
        ...blocks.close(),
        { type: "message_delta", delta: { ...stopOf(result.finish), container: null }, usage: takenBy(usage) },
        { type: "message_stop" },
      ]),
  };
}

const unended = { stop_reason: null, stop_sequence: null, stop_details: null };

function takenBy(usage: Usage) {
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, ...rest } = anthropicUsage(usage);
  const { output_tokens, output_tokens_details, server_tool_use } = rest;
  return {
    input_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    output_tokens,
    output_tokens_details,
    server_tool_use,
  };
}
