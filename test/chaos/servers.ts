/** The Redis and the PostgreSQL that a chaos run may kill: on fixed ports, with their data in one folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { databaseAnswers } from "../../src/ledger/ledger.ts";
import { isRunning } from "../../src/runtime/embedded/live-process.ts";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { startPostgres, stopPostgres } from "../../src/runtime/embedded/postgres.ts";
import { findPostmaster } from "../../src/runtime/embedded/postmaster.ts";
import { redisBinary, systemSearch } from "../../src/runtime/embedded/redis-binary.ts";

export interface RedisServer {
  readonly port: number;
  /** For the run's own questions; its commands reject while the server is away. */
  readonly client: Redis;
  /** Says it until it is done: the server may be away for another reason. */
  told(command: string, ...args: string[]): Promise<void>;
  /** With what it wrote, or without it when it keeps nothing. */
  start(): Promise<void>;
  kill(): Promise<void>;
  keepsData(keeps: boolean): void;
}

export async function openRedis(directory: string): Promise<RedisServer> {
  const folder = join(directory, "redis");
  mkdirSync(folder, { recursive: true });
  const binary = await redisBinary(() => {}, systemSearch);
  const port = await freePort(undefined);
  let server: ChildProcess | undefined;
  let appendOnly = "yes";
  const client = new Redis(port, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => 100 });
  client.on("error", () => {});
  const launch = () => {
    const settings = {
      port,
      bind: "127.0.0.1",
      dir: folder,
      save: "",
      appendonly: appendOnly,
      appendfsync: "everysec",
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    server = spawn(binary, args, { stdio: "ignore" });
  };
  process.once("exit", () => server?.kill("SIGKILL"));
  return {
    port,
    client,
    async told(command, ...args) {
      while ((await client.call(command, ...args).catch(() => undefined)) === undefined) await sleep(100);
    },
    async start() {
      const isUp = server !== undefined && server.exitCode === null && server.signalCode === null;
      if (!isUp) launch();
      while ((await client.ping().catch(() => "")) !== "PONG") await sleep(50);
    },
    async kill() {
      if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    },
    keepsData(keeps) {
      appendOnly = keeps ? "yes" : "no";
    },
  };
}

export interface PostgresServer {
  readonly url: string;
  start(): Promise<void>;
  /** SIGINT: it ends its sessions and itself. SIGQUIT: at once, to recover at the next start. */
  end(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
  stop(): Promise<void>;
}

export async function openPostgres(directory: string): Promise<PostgresServer> {
  mkdirSync(directory, { recursive: true });
  const start = () => startPostgres({ directory, say: () => {}, databaseAnswers, shared: false });
  return {
    url: await start(),
    async start() {
      await start();
    },
    async end(signal) {
      const running = findPostmaster(directory)?.process;
      if (running === undefined) return;
      process.kill(running.pid, signal);
      while (isRunning(running)) await sleep(20);
    },
    stop: () => stopPostgres(directory),
  };
}
