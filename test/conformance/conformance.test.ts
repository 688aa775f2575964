import { LLMock } from "@copilotkit/aimock";
import type { Provider } from "../../src/provider/provider.ts";
import { providers } from "../../src/provider/registry.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { describeConformance, type Judge, type Order, type RunningJudge } from "./conformance.ts";

const models: Readonly<Record<string, string>> = {
  anthropic: "claude-haiku-4-5",
  openai: "gpt-5-mini",
  gemini: "gemini-2.5-flash",
};
const modelOf = ({ id }: Provider): string => models[id] ?? "";

/** Millrace's own simulator: judges everything. */
const simulator: Judge = {
  name: "the simulator",
  skips: {
    "probes with a good key and with a bad one": "its faults are for calls, see the next case in simulator-probe",
  },
  async start(provider): Promise<RunningJudge> {
    const running = await startSimulator({ outputTokens: { p50: 60, p99: 60 } });
    const baseUrl = Object.entries(running.baseUrls).find(([vendor]) => vendor === provider.id)?.[1];
    if (baseUrl === undefined) throw new Error(`the simulator does not speak ${provider.id}`);
    return {
      baseUrl,
      apiKey: "sim-0123456789-abcdWXYZ",
      model: modelOf(provider),
      order: (order) => running.order(order),
      arrivals() {
        const calls = running.ledger();
        return { count: calls.length, correlation: calls.at(-1)?.correlation };
      },
      stop: () => running.close(),
    };
  },
};

for (const provider of Object.values(providers)) {
  describeConformance(provider, simulator);
}
