import { type ChatCompletionRequest, type FixtureResponse, LLMock } from "@copilotkit/aimock";
import type { Judge, Order } from "./conformance.ts";
import { modelOf, wireOf } from "./models.ts";

const ignoresBody = "it answers from a script and does not read the request";
const noWholeStream = "it cannot break a stream in this way";

/** @copilotkit/aimock: a simulator by other people. It judges what it sends as the vendors do. */
export const aimockJudge: Judge = {
  name: "aimock",
  skips: {
    "anthropic: says who answered": "it sends no request id in Anthropic's name",
    "gemini: says who answered": "it sends no responseId",
    "stops at the output limit": ignoresBody,
    "stops before a stop sequence": ignoresBody,
    "sends the system prompt": ignoresBody,
    "anthropic: reads a used-up quota": "its 429 always says retry-after, so it is never a spend cap",
    "gemini: reads a rate limit with its wait": "it tells the wait in a header only, which Google's SDK hides",
    "gemini: reads a used-up quota": "its errors have no details",
    "reads a gateway's page of HTML without quoting it": "its errors are always JSON",
    "calls a stream that ends early a failure": "its streams that break always break with a reset",
    "calls a whole answer that breaks off a failure": noWholeStream,
    "calls broken JSON the server's failure": "its malformed answers are whole, whatever was asked for",
    "reads an error in the middle of a stream by its kind": noWholeStream,
    "leaves usage unknown where none is reported": "it reports zeros then",
    "stops in the middle of a silent stream within 100 ms of being told": noWholeStream,
    "gemini: probes with a good key": "it has no list of Gemini's models",
    "openrouter: probes with a good key": "it has no list of a user's models",
    "cohere: probes with a good key": "it has no list of Cohere's models",
    "mistral: streams the same answer in pieces that add up to it": "it states the usage of a stream only when asked",
    "is refused with a wrong key": "it takes every key",
    "is made to call a tool, or a certain one, or none": ignoresBody,
    "answers with JSON that fits a schema": ignoresBody,
    "answers with a JSON object": ignoresBody,
    "takes an image along": ignoresBody,
    "reads an error in the body of a success by its kind": "its errors always have their status",
    "calls an answer without any choice a failure": "its answers always have a choice",
    "calls an answer that was filtered to the last word the request's failure": "its answers always have words",
    "calls a tool call with broken JSON the server's failure": "it refuses to send broken arguments",
    "heeds nothing after the end of a stream": "its streams end where they end",
    "stops in the middle of a whole answer that does not go on within 100 ms of being told": noWholeStream,
  },
  async start(provider) {
    let ordered: Order | undefined;
    // Its own journal has no call that is still waiting.
    let arrived = 0;
    const take = async (asked: ChatCompletionRequest) => {
      arrived += 1;
      const order = ordered;
      ordered = undefined;
      return respond(order, asked);
    };
    const mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 7 });
    const isCut = () => ordered?.kind === "cut-stream";
    mock.on({ predicate: isCut }, take, { truncateAfterChunks: 4 });
    mock.on({ predicate: () => true }, take);
    const url = await mock.start();
    return {
      // Azure's endpoint is the root, behind which its API has a path of its own.
      baseUrl: wireOf(provider) === "openai" && provider.id !== "azure-openai" ? `${url}/v1` : url,
      apiKey: "aimock-0123456789-abcdWXYZ",
      wrongKey: "",
      model: modelOf(provider),
      order(order) {
        ordered = order;
      },
      arrivals() {
        const correlation = mock.getLastRequest()?.headers["x-millrace-request"];
        return { count: arrived, correlation: correlation?.toString() };
      },
      stop: () => mock.stop(),
    };
  },
};

async function respond(order: Order | undefined, asked: ChatCompletionRequest): Promise<FixtureResponse> {
  switch (order?.kind) {
    case "auth":
      return failure(401, "authentication_error");
    case "insufficient-quota":
      return failure(429, "insufficient_quota");
    case "server-error":
      return failure(500, "server_error");
    case "unavailable":
      return failure(503, "service_unavailable");
    case "overloaded":
      return failure(529, "overloaded_error");
    case "rate-limit":
      return { ...failure(429, "rate_limit_error"), retryAfter: order.retryAfterS };
    case "hang":
      return new Promise(() => {});
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, order.ms));
      return answer;
    default:
      return callsFor(asked) ?? answer;
  }
}

/** Its script: the tools that the last message names, each with the input after it. */
function callsFor({ tools, tool_choice, messages }: ChatCompletionRequest): FixtureResponse | undefined {
  const last = messages.at(-1);
  if (tools === undefined || tool_choice === "none" || last?.role !== "user") return undefined;
  const prompt = JSON.stringify(last.content).replaceAll('\\"', '"');
  const toolCalls = [...prompt.matchAll(/\[tool (\w+) (\{[^\]]*\})\]/g)].map(([, name = "", input = ""]) => ({
    name,
    arguments: input,
  }));
  return toolCalls.length === 0 ? undefined : { toolCalls, usage: answer.usage };
}

const failure = (status: number, type: string) => ({
  status,
  error: { message: `ordered: ${type}`, type, code: type },
});

const answer = {
  content: "A mill grinds what the river brings, at the rate that the wheel can take.",
  // Each wire takes the names that are its own.
  usage: {
    prompt_tokens: 12,
    completion_tokens: 17,
    total_tokens: 29,
    input_tokens: 12,
    output_tokens: 17,
    promptTokenCount: 12,
    candidatesTokenCount: 17,
    totalTokenCount: 29,
  },
};
