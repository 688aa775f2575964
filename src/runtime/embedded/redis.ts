/** The embedded Redis server: adopted when it already runs on our data, else started. Called under the lock. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess, isRunning, type LiveProcess } from "./live-process.ts";
import { freePort } from "./ports.ts";
import { noteService, readRecord } from "./record.ts";
import { type RedisSearch, redisBinary } from "./redis-binary.ts";
import { askRedis } from "./redis-probe.ts";
import { type StartedServer, spawnServer } from "./server-process.ts";
import { ServicesFailed } from "./services-failed.ts";

export interface RedisStart {
  /** Canonical path of the services' directory. */
  directory: string;
  say: (line: string) => void;
  search: RedisSearch;
}

const loadPatienceMs = 300_000;
const answerPatienceMs = 15_000;

/**
 * Makes sure that Redis runs on `<directory>/redis` and answers.
 * @returns its URL
 * @throws ServicesFailed with the last lines of its log when it cannot be had
 */
export const startRedis = async (start: RedisStart): Promise<string> => {
  const adopted = await urlOnceItAnswers(start);
  if (adopted !== undefined) return adopted;
  await stopRedis(start.directory);
  const binary = await redisBinary(start.say, start.search);
  let setAside = false;
  for (let tries = 0; ; tries += 1) {
    const server = await launch(start.directory, binary);
    const url = await urlOnceItAnswers(start);
    if (url !== undefined) return url;
    const message = notStarted(server);
    await stopRedis(start.directory);
    const portTaken = /could not (bind|create server TCP)|Address already in use/i.test(server.log.written());
    if (!portTaken && !setAside && setDataAside(start)) setAside = true;
    else if (!portTaken || tries > 10) throw new ServicesFailed(message);
  }
};

/** Ends the Redis of this directory, if it runs: it writes what it has, and is killed when that takes too long. */
export const stopRedis = async (directory: string): Promise<void> => {
  const running = await runningRedis(directory);
  if (running) {
    await endProcess(running, [
      ["SIGTERM", 30_000],
      ["SIGKILL", 5_000],
    ]);
  }
};

const dataOf = (directory: string): string => join(directory, "redis");

const urlOf = (password: string, port: number): string => `redis://:${password}@127.0.0.1:${port}`;

/** The process that serves our data: the recorded one, or the one that answers on the recorded port. */
const runningRedis = async (directory: string): Promise<LiveProcess | undefined> => {
  const known = readRecord(directory).redis;
  if (known?.process && isRunning(known.process)) return known.process;
  if (known?.port === undefined) return undefined;
  const answer = await askRedis(urlOf(known.password, known.port));
  return answer.state === "answers" && answer.directory === dataOf(directory) ? answer.process : undefined;
};

/** Waits for the Redis that runs on our data; undefined when there is none, or it keeps silent for too long. */
const urlOnceItAnswers = async ({ directory, say }: RedisStart): Promise<string | undefined> => {
  const begun = Date.now();
  let told = false;
  for (;;) {
    const known = readRecord(directory).redis;
    if (known?.port === undefined) return undefined;
    const url = urlOf(known.password, known.port);
    const answer = await askRedis(url);
    if (answer.state === "answers" && answer.directory === dataOf(directory)) {
      noteService(directory, "redis", { ...known, ...(answer.process && { process: answer.process }) });
      return url;
    }
    const waitedMs = Date.now() - begun;
    if (known.process === undefined || !isRunning(known.process)) return undefined;
    if (waitedMs > (answer.state === "loading" ? loadPatienceMs : answerPatienceMs)) return undefined;
    if (!told && waitedMs > 5_000) say("Redis is still starting …");
    told = waitedMs > 5_000;
    await sleep(20);
  }
};

const launch = async (directory: string, binary: string): Promise<StartedServer> => {
  const known = readRecord(directory).redis;
  const password = known?.password ?? randomBytes(24).toString("hex");
  const port = await freePort(known?.port);
  noteService(directory, "redis", { password, port });
  writeConfiguration(directory, password, port);
  const server = spawnServer({
    file: binary,
    args: ["redis.conf"],
    identity: {},
    cwd: dataOf(directory),
    logPath: join(directory, "logs", "redis.log"),
  });
  noteService(directory, "redis", { password, port, ...(server.process && { process: server.process }) });
  return server;
};

/** Paths are relative to the folder that Redis is started in, so that no path needs quoting. */
const writeConfiguration = (directory: string, password: string, port: number): void => {
  mkdirSync(dataOf(directory), { recursive: true, mode: 0o700 });
  const path = join(dataOf(directory), "redis.conf");
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
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
};

/** Redis holds nothing that the ledger cannot bring back, so data that it cannot read stops nobody: it is kept and begun anew. */
const setDataAside = ({ directory, say }: RedisStart): boolean => {
  const files = ["appendonlydir", "appendonly.aof", "dump.rdb"].map((name) => join(dataOf(directory), name));
  const present = files.filter((path) => existsSync(path));
  const suffix = `.unreadable-${Date.now()}`;
  for (const path of present) renameSync(path, `${path}${suffix}`);
  if (present.length > 0) say(`Redis could not start on its data; kept it as *${suffix} and began anew`);
  return present.length > 0;
};

const notStarted = (server: StartedServer): string =>
  `The embedded Redis did not start: ${server.state()}. Its log says:
${server.log.tail()}
Fix what the log names and start again, or set REDIS_URL to a Redis of your own.`;
