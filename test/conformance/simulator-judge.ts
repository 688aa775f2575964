import { startSimulator } from "../../src/simulator/simulator.ts";
import type { Judge } from "./conformance.ts";
import { modelOf, wireOf } from "./models.ts";

const unasked = "like OpenAI it states the usage of a stream when it is asked to; Mistral does unasked";

const inWords = "its wire takes no schema: it stands in the prompt, which the simulator does not follow";

/** Millrace's own simulator: it judges every case. */
export const simulatorJudge: Judge = {
  name: "the simulator",
  skips: {
    "mistral: streams the same answer in pieces that add up to it": unasked,
    "mistral: stops at the output limit": unasked,
    "mistral: heeds nothing after the end of a stream": unasked,
    "deepseek: answers with JSON that fits a schema": inWords,
    "kimi: answers with JSON that fits a schema": inWords,
    "qwen: answers with JSON that fits a schema": inWords,
    "anthropic: answers with a JSON object": "its wire has no JSON without a schema",
    "openrouter: probes with a good key": "it has no list of a user's models",
    "openrouter: is refused with a wrong key": "it has no list of a user's models",
    "cohere: probes with a good key": "it has no list of Cohere's models",
    // The empty content of Anthropic's is an answer like any other.
    "anthropic: calls an answer without any choice a failure": "its wire has no list of choices",
  },
  async start(provider) {
    const wire = wireOf(provider);
    if (wire === undefined) throw new Error(`the simulator does not speak ${provider.id}`);
    const simulator = await startSimulator({ outputTokens: { p50: 60, p99: 60 }, anyModel: true });
    return {
      baseUrl: simulator.baseUrls[wire],
      apiKey: "sim-0123456789-abcdWXYZ",
      wrongKey: "sim-invalid-0123456789-QRST",
      model: modelOf(provider),
      order: (order) => simulator.order(order),
      arrivals() {
        const calls = simulator.ledger();
        return { count: calls.length, correlation: calls.at(-1)?.correlation };
      },
      stop: () => simulator.close(),
    };
  },
};
