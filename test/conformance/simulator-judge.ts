import { startSimulator } from "../../src/simulator/simulator.ts";
import type { Judge } from "./conformance.ts";
import { modelOf } from "./models.ts";

/** Millrace's own simulator: it judges every case. */
export const simulatorJudge: Judge = {
  name: "the simulator",
  skips: {},
  async start(provider) {
    const simulator = await startSimulator({ outputTokens: { p50: 60, p99: 60 } });
    const baseUrl = Object.entries(simulator.baseUrls).find(([vendor]) => vendor === provider.id)?.[1];
    if (baseUrl === undefined) throw new Error(`the simulator does not speak ${provider.id}`);
    return {
      baseUrl,
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
