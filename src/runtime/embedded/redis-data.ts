/** The folder that Redis works in: its configuration, which we write, and its data, which we only ever set aside. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readRecord, type ServiceRecord } from "./record.ts";

export const redisFolder = (directory: string): string => join(directory, "redis");

/** What we know of our Redis; without a record, what its configuration tells, so that one that still runs is found. */
export const knownRedis = (directory: string): ServiceRecord | undefined => {
  const recorded = readRecord(directory).redis;
  if (recorded) return recorded;
  const path = configurationOf(directory);
  const configuration = existsSync(path) ? readFileSync(path, "utf8") : "";
  const port = Number(/^port (\d+)$/m.exec(configuration)?.[1]);
  const password = /^requirepass (\w+)$/m.exec(configuration)?.[1];
  return password !== undefined && port > 0 ? { password, port } : undefined;
};

/** Paths are relative to the folder that Redis is started in, so that no path needs quoting. */
export const writeRedisConfiguration = (directory: string, password: string, port: number): void => {
  mkdirSync(redisFolder(directory), { recursive: true, mode: 0o700 });
  const lines = [
    "# Written at every start.",
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    "dir .",
    "appendonly yes",
    "appendfsync everysec",
    "aof-load-truncated yes",
    'save ""',
    "maxmemory-policy noeviction",
    "daemonize no",
    "pidfile redis.pid",
  ];
  const path = configurationOf(directory);
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
};

/**
 * Redis holds nothing that the ledger cannot bring back, so data that it cannot read stops nobody: it is kept under
 * another name. Returns what was added to the names, or undefined when there was no data.
 */
export const setRedisDataAside = (directory: string): string | undefined => {
  const files = ["appendonlydir", "appendonly.aof", "dump.rdb"].map((name) => join(redisFolder(directory), name));
  const present = files.filter((path) => existsSync(path));
  const suffix = `.unreadable-${Date.now()}`;
  for (const path of present) renameSync(path, `${path}${suffix}`);
  return present.length > 0 ? suffix : undefined;
};

const configurationOf = (directory: string): string => join(redisFolder(directory), "redis.conf");
