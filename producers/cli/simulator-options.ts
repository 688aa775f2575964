/** Options of the simulator as the command line says them. */
import { type Command, Option } from "commander";
import type { SimulatorOptions } from "../../src/simulator/simulator.ts";
import { wholeNumber } from "./number-option.ts";

export const latencies = {
  none: "none",
  fast: { firstTokenMs: { p50: 60, p99: 250 }, perTokenMs: 1 },
  real: { firstTokenMs: { p50: 600, p99: 3_000 }, perTokenMs: 12 },
} as const satisfies Record<string, SimulatorOptions["latency"]>;
export type Latency = keyof typeof latencies;
const latencyNames = ["none", "fast", "real"] as const satisfies readonly Latency[];

export interface SimulationOptions {
  readonly seed?: number;
  readonly latency: Latency;
  readonly rpm?: number;
}

export const withSimulationOptions = (command: Command, latency: Latency): Command =>
  command
    .option("--seed <n>", "the same seed and the same requests give the same answers", wholeNumber(0, 2 ** 31 - 1))
    .addOption(new Option("--latency <kind>", "how long answers take").choices(latencyNames).default(latency))
    .option("--rpm <n>", "requests per minute that each key is allowed for each model", wholeNumber(1, 10_000_000));

export function simulatorOptionsOf({ seed, latency, rpm }: SimulationOptions): SimulatorOptions {
  const limits = rpm === undefined ? undefined : { requestsPerMinute: rpm };
  return {
    latency: latencies[latency],
    ...(seed === undefined ? {} : { seed }),
    ...(limits === undefined ? {} : { limits: { anthropic: limits, openai: limits, gemini: limits } }),
  };
}
