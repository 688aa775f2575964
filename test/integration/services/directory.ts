/** A directory for embedded services that is gone, with everything that ran on it, when its test ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import postgres from "postgres";
import { onTestFinished } from "vitest";
import { databaseAnswers } from "../../../src/ledger/ledger.ts";
import { isRunning } from "../../../src/runtime/embedded/live-process.ts";
import { readRecord, type ServicesRecord } from "../../../src/runtime/embedded/record.ts";
import { type Services, type ServicesOptions, startServices } from "../../../src/runtime/embedded/services.ts";

/** Makes `<tmp>/…/<name>/.millrace`'s parent with the given permissions and returns the path of `.millrace`. */
export const temporaryDirectory = (name = "project", mode = 0o755): string => {
  const top = mkdtempSync(join(tmpdir(), "millrace-"));
  chmodSync(top, mode);
  const directory = join(top, name, ".millrace");
  mkdirSync(join(top, name));
  onTestFinished(async () => {
    for (const running of processesOf(directory)) if (isRunning(running)) process.kill(running.pid, "SIGKILL");
    await eventually(() => processesOf(directory).every((known) => !isRunning(known)));
    // A server that was told to stop may have children that are just ending.
    await eventually(() => workingIn(top).length === 0).catch(() => {});
    const strays = workingIn(top);
    for (const pid of strays) process.kill(pid, "SIGKILL");
    if (strays.length > 0) throw new Error(`servers ran that nobody had recorded: ${strays}`);
    rmSync(top, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return directory;
};

/** Starts the services from this very process. */
export const start = (directory: string, more: Partial<ServicesOptions> = {}): Promise<Services> =>
  startServices({ directory, say: () => {}, databaseAnswers, ...more });

export interface User {
  child: ChildProcess;
  /** The line it printed once the services ran; undefined when it ended before. */
  addresses: Promise<Pick<Services, "redisUrl" | "databaseUrl"> | undefined>;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the services from a process of its own. */
export const startUser = (directory: string): User => {
  const script = fileURLToPath(new URL("use-services.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const line = once(createInterface({ input: child.stdout }), "line").then(([text]) => JSON.parse(String(text)));
  return {
    child,
    addresses: Promise.race([line, ended.then(() => undefined)]),
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
};

export const recordOf = (directory: string): ServicesRecord => readRecord(directory);

export const processesOf = (directory: string) => {
  try {
    const { postgres, redis } = readRecord(directory);
    return [postgres?.process, redis?.process].filter((known) => known !== undefined);
  } catch {
    return [];
  }
};

/** Processes whose working folder lies in `top`, which for PostgreSQL and Redis is their data (Linux; elsewhere none are seen). */
const workingIn = (top: string): number[] => {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && folderOf(pid).startsWith(top));
};

const folderOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
};

/** Writes one value to both services, for `remembered`. */
export const remember = async (services: Services, value: string): Promise<void> => {
  await withClients(services, async (sql, redis) => {
    await sql`CREATE TABLE IF NOT EXISTS remembered (value text)`;
    await sql`INSERT INTO remembered VALUES (${value})`;
    await redis.set("remembered", value);
  });
};

/** What `remember` wrote, as [PostgreSQL, Redis] have it. */
export const remembered = (services: Services): Promise<readonly (string | null)[]> =>
  withClients(services, async (sql, redis) => {
    const [row] = await sql`SELECT value FROM remembered`;
    return [row?.["value"] ?? null, await redis.get("remembered")];
  });

const withClients = async <T>(
  { databaseUrl, redisUrl }: Services,
  act: (sql: postgres.Sql, redis: Redis) => Promise<T>,
): Promise<T> => {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const redis = new Redis(redisUrl);
  try {
    return await act(sql, redis);
  } finally {
    redis.disconnect();
    await sql.end();
  }
};

/** Polls for a condition; fails after 20 seconds. */
export const eventually = async (holds: () => boolean): Promise<void> => {
  const until = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`still not so: ${holds}`);
    await sleep(5);
  }
};

export const read = (path: string): string => readFileSync(path, "utf8");
