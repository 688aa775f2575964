/**
 * Real processes on a test's services, against the simulator: what is killed in crash tests. The command line comes from
 * the build; the test itself looks on through a fleet of its own.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { SettingsFile } from "../../src/config/file.ts";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/simulator.ts";
import { type CliProcess, startCli, workFolder } from "./cli.ts";
import { unlimited } from "./fleet.ts";
import type { TestServices } from "./services.ts";

export interface CrashScene {
  readonly fleet: Fleet;
  readonly simulator: Simulator;
  /** Where answers wait that could not be recorded. */
  readonly spoolFolder: string;
  /** `millrace worker <names>` once it works. */
  worker(...names: string[]): Promise<CliProcess>;
  /** `millrace serve` at this port once it listens. */
  serve(port: number): Promise<CliProcess>;
}

/** A port that nobody listens on now, to come back to after a crash. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface SceneWish {
  readonly simulator?: SimulatorOptions;
  readonly worker?: Partial<SettingsFile["worker"]>;
  readonly pools?: Readonly<Record<string, { readonly requestsPerMinute: number; readonly concurrency: number }>>;
  /** Instead of the services' own. */
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function openScene(services: TestServices, wish: SceneWish = {}): Promise<CrashScene> {
  const simulator = await startSimulator({ outputTokens: { p50: 5, p99: 10 }, ...wish.simulator });
  onTestFinished(() => simulator.close());
  const cwd = workFolder();
  const settings = {
    providers: { anthropic: unlimited, openai: unlimited, gemini: unlimited },
    attempts: { baseMs: 20, capMs: 100 },
    worker: { slotsPerLane: 20, leaseMs: 2_000, ...wish.worker },
    pools: wish.pools ?? {},
  };
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify(settings));
  const environment = {
    REDIS_URL: wish.redisUrl ?? (await services.emptyRedis()),
    DATABASE_URL: wish.databaseUrl ?? (await services.emptyDatabase()),
    ANTHROPIC_API_KEY: "sim-crash",
    ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
    MILLRACE_LOG: "error",
    ...wish.environment,
  };
  const fleet = await openFleet({ directory: cwd, environment });
  onTestFinished(() => fleet.close());
  return {
    fleet,
    simulator,
    spoolFolder: join(fleet.config.home, "spool"),
    async worker(...names) {
      const process = startCli(["worker", ...names], { cwd, environment });
      await process.said(/Working: /);
      return process;
    },
    async serve(port) {
      const process = startCli(["serve", "--port", String(port)], { cwd, environment });
      await process.said(/Serving /);
      return process;
    },
  };
}
