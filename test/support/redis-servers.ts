/** Real Redis servers of a test's own, with settings of its choice: TLS, replicas, sentinels, nodes of a cluster. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { redisBinary, systemSearch } from "../../src/runtime/embedded/redis-binary.ts";
import { eventually } from "./eventually.ts";

export interface RedisServer {
  readonly port: number;
  /** Everything that it has said. */
  words(): string;
  /** Undefined while it runs. */
  exitCode(): number | null | undefined;
  kill(): Promise<void>;
}

/** Settings by line, as in redis.conf; `{port}` stands for the port. Killed when the test ends. */
export async function startRedisServer(settings: readonly string[], ...flags: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-redis-"));
  const port = await freePort(undefined);
  const lines = ["bind 127.0.0.1", 'save ""', ...(flags.length === 0 ? ["appendonly yes"] : []), ...settings];
  const listens = settings.some((line) => line.startsWith("tls-port")) ? "port 0" : `port ${port}`;
  const file = join(folder, "redis.conf");
  writeFileSync(file, `${[listens, ...lines].join("\n").replaceAll("{port}", String(port))}\n`);
  const binary = await redisBinary(() => {}, systemSearch);
  const child = spawn(binary, [file, ...flags], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const kill = () => ended(child);
  onTestFinished(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const exitCode = () => (child.exitCode === null && child.signalCode === null ? undefined : child.exitCode);
  await eventually(
    "the server listens or has ended",
    () => /Ready to accept|Running mode=sentinel/.test(said) || exitCode() !== undefined,
  );
  return { port, words: () => said, exitCode, kill };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await end;
}

/** A connection to ask it with, closed when the test ends. */
export function asking(port: number, password?: string): Redis {
  const redis = new Redis({ port, host: "127.0.0.1", ...(password === undefined ? {} : { password }) });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Masters that share the slots evenly and know of each other. */
export async function startCluster(masters: number, password: string): Promise<readonly RedisServer[]> {
  const slots = 16_384;
  const nodes: RedisServer[] = [];
  for (let n = 0; n < masters; n += 1) {
    nodes.push(await startRedisServer(["cluster-enabled yes", "cluster-node-timeout 2000", `requirepass ${password}`]));
  }
  const first = nodes[0];
  if (first === undefined) throw new Error("a cluster has a node at least");
  for (const [at, node] of nodes.entries()) {
    const [from, to] = [Math.floor((slots * at) / masters), Math.floor((slots * (at + 1)) / masters)];
    const redis = asking(node.port, password);
    await redis.call("CLUSTER", "ADDSLOTS", ...Array.from({ length: to - from }, (_, slot) => String(from + slot)));
    await redis.call("CLUSTER", "MEET", "127.0.0.1", String(first.port));
  }
  for (const node of nodes) {
    const redis = asking(node.port, password);
    await eventually("the node sees the whole cluster", async () => {
      const info = String(await redis.call("CLUSTER", "INFO"));
      return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${masters}`);
    });
  }
  return nodes;
}
