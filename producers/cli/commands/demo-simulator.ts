/** The demo's provider: three wires, latencies as in real life but shorter, limits that are enforced, and some faults. */
import { inheritedEnvironment } from "../../../src/config/env.ts";
import { providerEntries } from "../../../src/config/models.ts";
import type { FaultOrder } from "../../../src/simulator/faults.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { pointedAt } from "../simulator-session.ts";

export interface DemoSimulator {
  readonly simulator: Simulator;
  /** This process' environment with every provider pointed at the simulator. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** `requestsPerMinute` holds for each provider, here and at the simulator. */
export async function startDemoSimulator(requestsPerMinute: number): Promise<DemoSimulator> {
  const limits = { requestsPerMinute };
  const { startSimulator } = await import("../../../src/simulator/simulator.ts");
  const simulator = await startSimulator({
    seed: 42,
    latency: { firstTokenMs: { p50: 400, p99: 1_800 }, perTokenMs: 4 },
    outputTokens: { p50: 90, p99: 400 },
    limits: { anthropic: limits, openai: limits, gemini: limits },
  });
  simulator.order(faults);
  const rates = providerEntries.map((entry) => [entry.requestsPerMinute.variable, String(requestsPerMinute)]);
  return {
    simulator,
    environment: {
      ...inheritedEnvironment(),
      ...pointedAt(simulator),
      ...Object.fromEntries(rates),
      PRIMARY_PROVIDER: "anthropic",
      FALLBACK_CHAIN: "anthropic,openai,gemini",
    },
  };
}

const faults: readonly FaultOrder[] = [
  // One prompt always finds Anthropic overloaded: after three tries another provider answers it.
  { kind: "overloaded", provider: "anthropic", match: "carbon paper", probability: 1 },
  { kind: "rate-limit", probability: 0.02, retryAfterS: 1 },
  { kind: "server-error", probability: 0.02 },
  { kind: "unavailable", provider: "gemini", probability: 0.02 },
  { kind: "cut-stream", probability: 0.01, afterTokens: 5, how: "reset" },
];
