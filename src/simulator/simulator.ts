/**
 * A provider to test against: a real HTTP server that speaks the wires of Anthropic, OpenAI and Gemini on one port, with
 * limits that it enforces, faults to order, and a ledger of every call that came in. The same seed and the same requests
 * give the same answers.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { createArrivalDelay } from "./arrival-delay.ts";
import { type CallRecord, createCallLedger } from "./call-ledger.ts";
import { createFaultQueue, type FaultOrder, faultSchema } from "./faults.ts";
import { type LedgerSummary, summarise } from "./ledger-summary.ts";
import { createMeters } from "./meters.ts";
import { type LimitSettings, limitSettingsSchema, settingsSchema } from "./options.ts";
import { createSimulatorServer } from "./server.ts";
import type { Simulation } from "./simulation.ts";
import type { Vendor } from "./vendor.ts";

export interface SimulatorOptions extends z.input<typeof settingsSchema> {
  /** What limits, and faults that end by time, go by. Latency and the way here always take real time. */
  readonly clock?: Pick<Clock, "now">;
}

export interface Simulator {
  readonly port: number;
  readonly url: string;
  /** As the vendors' SDKs want them. */
  readonly baseUrls: Readonly<Record<Vendor, string>>;
  ledger(): readonly CallRecord[];
  summary(): LedgerSummary;
  /** Throws ZodError for a fault that does not exist. */
  order(faults: FaultOrder | readonly FaultOrder[]): void;
  clearFaults(): void;
  /** Replaces the limits of the vendors named; what is used stays used. */
  setLimits(limits: LimitSettings): void;
  /** Ends every connection, hung ones too. */
  close(): Promise<void>;
}

/** Starts a simulator. Throws ZodError for options that do not exist; rejects when the port is taken. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { clock = systemClock, ...given } = options;
  const settings = settingsSchema.parse(given);
  const simulation: Simulation = {
    settings,
    clock,
    delay: createArrivalDelay(settings),
    meters: createMeters(settings.limits, clock),
    faults: createFaultQueue(settings.seed, clock),
    ledger: createCallLedger(settings.ledgerCalls),
  };
  const server = createSimulatorServer(simulation);
  server.listen(settings.port, settings.host);
  await once(server, "listening");
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as AddressInfo;
  const url = `http://${reachable(settings.host)}:${port}`;
  return {
    port,
    url,
    baseUrls: { anthropic: `${url}/anthropic`, openai: `${url}/openai/v1`, gemini: `${url}/gemini` },
    ledger: () => [...simulation.ledger.calls()],
    summary: () => summarise(simulation.ledger.calls()),
    order: (faults) => simulation.faults.order(z.array(faultSchema).parse([faults].flat())),
    clearFaults: () => simulation.faults.clear(),
    setLimits: (limits) => simulation.meters.change(limitSettingsSchema.parse(limits)),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** An address to call a host that listens on all of them. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
