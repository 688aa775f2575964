/** OpenAI's Responses API, by the types of the openai SDK. Errors, headers and keys are those of its chat completions. */
import type { Answer } from "./answer.ts";
import { readResponses } from "./ask-openai-responses.ts";
import type { Wire } from "./wire.ts";
import { openaiWire } from "./wire-openai.ts";

export const openaiResponsesWire: Wire = {
  ...openaiWire,
  read: readResponses,
  whole: (answer) => JSON.stringify(response(answer)),
  empty: (answer) => JSON.stringify({ ...response(answer), status: "failed", output: [], error: overloaded }),
  opening(answer) {
    const begun = { ...response(answer), status: "in_progress", output: [], usage: null };
    const item = { ...messageItem(answer), status: "in_progress", content: [] };
    const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
    return (
      event("response.created", { response: begun }) +
      event("response.in_progress", { response: begun }) +
      (answer.calls === undefined
        ? event("response.output_item.added", { output_index: 0, item }) +
          event("response.content_part.added", { item_id: item.id, output_index: 0, content_index: 0, part })
        : "")
    );
  },
  piece: (answer, delta) =>
    event("response.output_text.delta", {
      item_id: messageItem(answer).id,
      output_index: 0,
      content_index: 0,
      delta,
      logprobs: [],
    }),
  call(answer, { name, input }, output_index) {
    const item = callItem(answer, name, input, output_index);
    const half = Math.ceil(input.length / 2);
    const pieces = [input.slice(0, half), input.slice(half)].map((delta) =>
      event("response.function_call_arguments.delta", { item_id: item.id, output_index, delta }),
    );
    return [
      event("response.output_item.added", { output_index, item: { ...item, status: "in_progress", arguments: "" } }),
      ...pieces,
      event("response.function_call_arguments.done", { item_id: item.id, output_index, arguments: input }),
      event("response.output_item.done", { output_index, item }),
    ];
  },
  closing(answer) {
    const ended = response(answer);
    return event(ended.status === "incomplete" ? "response.incomplete" : "response.completed", { response: ended });
  },
  brokenPiece: (answer) => `${openaiResponsesWire.piece(answer, "").slice(0, -40)}\n\n`,
  errorEvent: () => event("error", { ...overloaded, param: null }),
};

const overloaded = { code: "server_error", message: "The server had an error while processing your request. Sorry!" };

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

const messageItem = (answer: Answer) => ({
  id: `msg_sim${answer.id}`,
  type: "message",
  status: "completed",
  role: "assistant",
  content: [{ type: "output_text", text: answer.text, annotations: [], logprobs: [] }],
});

const callItem = (answer: Answer, name: string, input: string, index: number) => ({
  id: `fc_sim${answer.id}${index}`,
  type: "function_call",
  status: "completed",
  call_id: `call_sim${answer.id}${index}`,
  name,
  arguments: input,
});

const reasons: Readonly<Partial<Record<Answer["finish"]["reason"], string>>> = {
  length: "max_output_tokens",
  filtered: "content_filter",
};

function response(answer: Answer) {
  const reason = reasons[answer.finish.reason];
  const isWithheld = answer.finish.reason === "filtered";
  return {
    id: `resp_sim${answer.id}`,
    object: "response",
    created_at: Math.floor(answer.createdMs / 1000),
    status: reason === undefined ? "completed" : "incomplete",
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    model: answer.model,
    output: isWithheld
      ? []
      : (answer.calls?.map(({ name, input }, index) => callItem(answer, name, input, index)) ?? [messageItem(answer)]),
    parallel_tool_calls: true,
    store: false,
    ...usageOf(answer),
  };
}

const usageOf = ({ usage }: Answer) =>
  usage === undefined
    ? {}
    : {
        usage: {
          input_tokens: usage.inputTokens,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: usage.outputTokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: usage.inputTokens + usage.outputTokens,
        },
      };
