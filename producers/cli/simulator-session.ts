/**
 * The simulator of `millrace up --simulate`, and how other commands in the same folder find it: while it runs,
 * `.millrace/simulator.json` holds the settings that point the adapters at it. The file of a dead process counts for nothing.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { inheritedEnvironment, readEnvironment } from "../../src/config/env.ts";
import { providerEntries } from "../../src/config/models.ts";
import { providers } from "../../src/provider/registry.ts";
import { isRunning, liveProcess } from "../../src/runtime/embedded/live-process.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { type SimulationOptions, simulatorOptionsOf } from "./simulator-options.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const sessionSchema = z.object({
  process: z.object({ pid: z.int().positive(), started: z.string() }),
  url: z.string(),
  environment: z.record(z.string(), z.string()),
});
type Session = z.infer<typeof sessionSchema>;

const key = "sim-up";
/** Requests per minute of every pool: enough to see hundreds of requests through, little enough to see the limit at work. */
const usualRpm = 1_200;

export interface SimulatorSession {
  readonly simulator: Simulator;
  /** This process' environment with the adapters pointed at the simulator. */
  readonly environment: Variables;
  close(): Promise<void>;
}

/** Starts a simulator for the fleet of `directory` and leaves word of it there. */
export async function openSimulatorSession(directory: string, options: SimulationOptions): Promise<SimulatorSession> {
  const rpm = options.rpm ?? usualRpm;
  const { startSimulator } = await import("../../src/simulator/simulator.ts");
  const simulator = await startSimulator(simulatorOptionsOf({ ...options, rpm }));
  const inherited = inheritedEnvironment();
  const environment = pointedAt(simulator, rpm);
  const me = liveProcess(process.pid);
  const path = sessionPath(directory, inherited);
  if (me !== undefined) writeSession(path, { process: me, url: simulator.url, environment });
  return {
    simulator,
    environment: { ...inherited, ...environment },
    async close() {
      if (readSession(path)?.process.pid === process.pid) rmSync(path, { force: true });
      await simulator.close();
    },
  };
}

/** Variables that send every provider's calls to the simulator, as fast as its limits allow. */
export function pointedAt(simulator: Pick<Simulator, "baseUrls">, rpm = usualRpm): Record<string, string> {
  const urls: Readonly<Record<string, string>> = simulator.baseUrls;
  const addresses = Object.values(providers).flatMap(({ id, environment }): [string, string][] => {
    const [apiKey, baseUrl, url] = [environment.apiKey[0], environment.baseUrl[0], urls[id]];
    return apiKey === undefined || baseUrl === undefined || url === undefined
      ? []
      : [
          [apiKey, key],
          [baseUrl, url],
        ];
  });
  const rates = providerEntries.map((entry) => [entry.requestsPerMinute.variable, String(rpm)]);
  return Object.fromEntries([...addresses, ...rates]);
}

/**
 * The environment of a command in `directory`: this process' own, and below it what a running simulator there says. A
 * provider that has a key or an address of its own keeps both: a real key is never sent to a simulator, nor the reverse.
 */
export function commandEnvironment(
  directory: string = process.cwd(),
  own: Variables = inheritedEnvironment(),
): Variables {
  const session = readSession(sessionPath(directory, own));
  if (session === undefined || !isRunning(session.process)) return own;
  const said = new Set(Object.keys(own).filter((name) => own[name] !== undefined && own[name] !== ""));
  const kept = Object.values(providers)
    .map(({ environment }) => [...environment.apiKey, ...environment.baseUrl])
    .filter((names) => names.some((name) => said.has(name)))
    .flat();
  const below = Object.entries(session.environment).filter(([name]) => !said.has(name) && !kept.includes(name));
  return { ...own, ...Object.fromEntries(below) };
}

const sessionPath = (directory: string, environment: Variables): string =>
  join(resolve(directory, readEnvironment(environment).MILLRACE_HOME), "simulator.json");

function writeSession(path: string, session: Session): void {
  mkdirSync(join(path, ".."), { recursive: true });
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(session, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, path);
}

function readSession(path: string): Session | undefined {
  try {
    return sessionSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
