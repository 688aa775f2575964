/** The Redis program: `redis-server` or `valkey-server` from the PATH, or the distribution's package, installed after saying so. */
import { readFileSync } from "node:fs";
import { findOnPath, runCommand } from "./command.ts";
import { lastLines } from "./server-log.ts";
import { ServicesFailed } from "./services-failed.ts";

/** What the search looks at; a test puts its own in. */
export interface RedisSearch {
  /** Path of a command, or undefined. */
  find(name: string): Promise<string | undefined>;
  /** How to run apt-get as root: the words before it, or undefined where that is impossible. */
  aptPrefix(): Promise<readonly string[] | undefined>;
}

export const systemSearch: RedisSearch = { find: findOnPath, aptPrefix: () => aptAsRoot(findOnPath) };

/** Streams with the commands that BullMQ and the admission scripts need came together with 6.2; Valkey starts at 7.2. */
const oldest = [6, 2] as const;

/**
 * @returns the path of a program that is new enough
 * @throws ServicesFailed that names the ways to get one
 */
export const redisBinary = async (say: (line: string) => void, search: RedisSearch): Promise<string> => {
  const before = await lookFor(search);
  if (before.path !== undefined) return before.path;
  const prefix = before.tooOld.length > 0 ? undefined : await search.aptPrefix();
  if (prefix === undefined) throw new ServicesFailed(notFound(before.tooOld));
  say("no Redis on this machine: installing the distribution's package (apt-get install redis-server) …");
  const output = await install(prefix);
  const after = await lookFor(search);
  if (after.path !== undefined) return after.path;
  throw new ServicesFailed(`${notFound(after.tooOld)}\nInstalling the package redis-server did not help:\n${output}`);
};

/** Major and minor version out of `redis-server --version` or `valkey-server --version`. */
export const redisVersion = (output: string): readonly [number, number] | undefined => {
  const found = /\bv=(\d+)\.(\d+)/.exec(output);
  return found ? [Number(found[1]), Number(found[2])] : undefined;
};

const isNewEnough = ([major, minor]: readonly [number, number]): boolean =>
  major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);

const lookFor = async (search: RedisSearch): Promise<{ path: string | undefined; tooOld: readonly string[] }> => {
  const tooOld: string[] = [];
  for (const name of ["redis-server", "valkey-server"]) {
    const path = await search.find(name);
    if (path === undefined) continue;
    const { output } = await runCommand(path, ["--version"]);
    const version = redisVersion(output);
    if (version && isNewEnough(version)) return { path, tooOld };
    tooOld.push(`${path} (${version ? version.join(".") : "unknown version"})`);
  }
  return { path: undefined, tooOld };
};

const aptAsRoot = async (find: RedisSearch["find"]): Promise<readonly string[] | undefined> => {
  if (!isDebian() || (await find("apt-get")) === undefined) return undefined;
  if (process.geteuid?.() === 0) return [];
  return (await runCommand("sudo", ["-n", "true"])).ok ? ["sudo", "-n"] : undefined;
};

const isDebian = (): boolean => {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
};

/** The package would start a service on port 6379: run level 1 and an offline systemd keep it from doing so. */
const install = async (prefix: readonly string[]): Promise<string> => {
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "SYSTEMD_OFFLINE=1"];
  const apt = async (...args: string[]) => {
    const [file = "env", ...rest] = [...prefix, ...quiet, "apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", ...args];
    return runCommand(file, rest);
  };
  const update = await apt("update");
  const installed = await apt("install", "-y", "--no-install-recommends", "redis-server");
  return lastLines(installed.ok ? installed.output : `${update.ok ? "" : update.output}\n${installed.output}`);
};

const notFound = (tooOld: readonly string[]): string =>
  `No Redis to start: ${
    tooOld.length > 0
      ? `only ${tooOld.join(" and ")}, and at least ${oldest.join(".")} is needed.`
      : "neither redis-server nor valkey-server is on the PATH."
  } Three ways to get one:
  1. install it: apt-get install redis-server, dnf install valkey, or brew install redis
  2. name one that you have: REDIS_URL=redis://host:6379
  3. run everything in containers: docker compose up`;
