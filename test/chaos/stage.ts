/** Where a chaos run takes place: servers, the ways to them, and the provider. Everything of it can be broken. */
import { join } from "node:path";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { openPassage, type Passage } from "./passage.ts";
import { openPostgres, openRedis, type PostgresServer, type RedisServer } from "./servers.ts";

export interface Stage {
  readonly directory: string;
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly toRedis: Passage;
  readonly toPostgres: Passage;
  readonly simulator: Simulator;
  /** What processes are given: both URLs lead through the proxies. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function openStage(directory: string, seed: number): Promise<Stage> {
  const redis = await openRedis(directory);
  await redis.start();
  const postgres = await openPostgres(join(directory, "services"));
  const toRedis = await openPassage(redis.port);
  const toPostgres = await openPassage(Number(new URL(postgres.url).port));
  const simulator = await startSimulator({
    seed,
    latency: { firstTokenMs: { p50: 150, p99: 600 }, perTokenMs: 2 },
    outputTokens: { p50: 30, p99: 90 },
  });
  const databaseUrl = new URL(postgres.url);
  databaseUrl.port = String(toPostgres.port);
  return {
    directory,
    redis,
    postgres,
    toRedis,
    toPostgres,
    simulator,
    environment: {
      REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
      DATABASE_URL: databaseUrl.href,
      ANTHROPIC_API_KEY: "sim-chaos",
      ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
      OPENAI_API_KEY: "sim-chaos",
      OPENAI_BASE_URL: simulator.baseUrls.openai,
      GOOGLE_API_KEY: "sim-chaos",
      GEMINI_BASE_URL: simulator.baseUrls.gemini,
      MILLRACE_LOG: "error",
    },
    async close() {
      toRedis.close();
      toPostgres.close();
      await simulator.close();
      redis.client.disconnect();
      await redis.kill();
      await postgres.stop();
    },
  };
}
