/** A Redis of a test's own, with the settings of the embedded one: to be killed, stopped, filled up or made a replica. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { redisBinary, systemSearch } from "../../src/runtime/embedded/redis-binary.ts";
import { workFolder } from "./cli.ts";
import { eventually } from "./eventually.ts";

export interface OwnRedis {
  readonly url: string;
  /** Straight to it. */
  readonly redis: Redis;
  /** On the data that it had when it was killed, if it keeps any; answers once it does. */
  start(): Promise<void>;
  /** The same, but it reads its data until `finishLoading`, and answers LOADING meanwhile; resolves once it does. */
  startLoading(): Promise<void>;
  finishLoading(): Promise<void>;
  kill(): Promise<void>;
  /** It stands still: connections stay open, and nothing is answered. */
  freeze(): void;
  thaw(): void;
}

/** For each command of its data; it looks for callers once in 1,024 of them. */
const loadDelayUs = 500;
const isLoading = (error: unknown): boolean => error instanceof Error && error.message.startsWith("LOADING");

export async function ownRedis({ keepsData = true } = {}): Promise<OwnRedis> {
  const dir = workFolder();
  const [binary, port] = await Promise.all([redisBinary(() => {}, systemSearch), freePort(undefined)]);
  const url = `redis://127.0.0.1:${port}`;
  const patient = { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 20 };
  const redis = new Redis(url, patient);
  /** Asks while it loads, too. */
  const visitor = new Redis(url, { ...patient, enableReadyCheck: false });
  for (const client of [redis, visitor]) {
    client.on("error", () => {}); // a test takes it away
    onTestFinished(() => client.disconnect());
  }
  let child: ChildProcess;
  const kill = async () => {
    const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const begin = (...more: string[]) => {
    const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"];
    const data = keepsData ? ["--appendonly", "yes", "--appendfsync", "everysec"] : ["--appendonly", "no"];
    child = spawn(binary, [...settings, ...data, ...more], { cwd: dir, stdio: "ignore" });
  };
  const start = async () => {
    begin();
    await redis.ping();
  };
  const startLoading = async () => {
    begin("--key-load-delay", `${loadDelayUs}`);
    await eventually("it says LOADING", () => visitor.get("k").then(() => false, isLoading));
  };
  const finishLoading = async () => {
    await visitor.config("SET", "key-load-delay", "0");
    await redis.ping();
  };
  await start();
  onTestFinished(kill);
  return {
    url,
    redis,
    start,
    startLoading,
    finishLoading,
    kill,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
  };
}
