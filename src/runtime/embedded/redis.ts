/** The embedded Redis server: adopted when it already runs on our data, else started. Called under the lock. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess, isRunning, type LiveProcess } from "./live-process.ts";
import { freePort } from "./ports.ts";
import { noteService } from "./record.ts";
import { type RedisSearch, redisBinary } from "./redis-binary.ts";
import { knownRedis, redisFolder, setRedisDataAside, writeRedisConfiguration } from "./redis-data.ts";
import { askRedis, type RedisAnswer } from "./redis-probe.ts";
import { type StartedServer, startServer } from "./server-process.ts";
import { ServicesFailed } from "./services-failed.ts";

export interface RedisStart {
  /** Canonical path of the services' directory. */
  directory: string;
  say: (line: string) => void;
  search: RedisSearch;
  /** Whether other living processes use the server: then it is not ended for keeping silent. */
  shared: boolean;
}

const loadPatienceMs = 300_000;
const answerPatienceMs = 15_000;
const portTries = 10;

/**
 * Makes sure that Redis runs on `<directory>/redis` and answers.
 * @returns its URL
 * @throws ServicesFailed with the last lines of its log when it cannot be had
 */
export const startRedis = async (start: RedisStart): Promise<string> => {
  const { directory, say } = start;
  const adopted = await urlOnceItAnswers(start);
  if (adopted !== undefined) return adopted;
  const silent = await runningRedis(directory);
  if (silent && start.shared) throw new ServicesFailed(inUse(silent.pid));
  await stopRedis(directory);
  const binary = await redisBinary(say, start.search);
  let begunAnew = false;
  for (let tries = 1; ; tries += 1) {
    const server = await launch(directory, binary);
    const url = await urlOnceItAnswers(start);
    if (url !== undefined) return url;
    const message = notStarted(server);
    await stopRedis(directory);
    if (portWasTaken(server) && tries < portTries) continue;
    const suffix = begunAnew || !dataWasUnreadable(server) ? undefined : setRedisDataAside(directory);
    if (suffix === undefined) throw new ServicesFailed(message);
    say(`Redis could not start on its data; kept it as *${suffix} and began anew`);
    begunAnew = true;
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

const urlOf = (password: string, port: number): string => `redis://:${password}@127.0.0.1:${port}`;

const servesOurData = (answer: RedisAnswer, directory: string): answer is RedisAnswer & { state: "answers" } =>
  answer.state === "answers" && answer.directory === redisFolder(directory);

/** The process that serves our data: the recorded one, or the one that answers on the recorded port. */
const runningRedis = async (directory: string): Promise<LiveProcess | undefined> => {
  const known = knownRedis(directory);
  if (known?.process && isRunning(known.process)) return known.process;
  if (known?.port === undefined) return undefined;
  const answer = await askRedis(urlOf(known.password, known.port));
  return servesOurData(answer, directory) ? answer.process : undefined;
};

/** Waits for the Redis that runs on our data; undefined when there is none, or it keeps silent for too long. */
const urlOnceItAnswers = async ({ directory, say }: RedisStart): Promise<string | undefined> => {
  const begun = Date.now();
  let told = false;
  for (;;) {
    const known = knownRedis(directory);
    if (known?.port === undefined) return undefined;
    const url = urlOf(known.password, known.port);
    const answer = await askRedis(url);
    if (servesOurData(answer, directory)) {
      noteService(directory, "redis", { ...known, ...(answer.process && { process: answer.process }) });
      return url;
    }
    const loading = answer.state === "loading";
    const mayComeYet = loading || (known.process !== undefined && isRunning(known.process));
    const waitedMs = Date.now() - begun;
    if (!mayComeYet || waitedMs > (loading ? loadPatienceMs : answerPatienceMs)) return undefined;
    if (!told && waitedMs > 5_000) {
      say("Redis is still starting …");
      told = true;
    }
    await sleep(20);
  }
};

const launch = async (directory: string, binary: string): Promise<StartedServer> => {
  const known = knownRedis(directory);
  const password = known?.password ?? randomBytes(24).toString("hex");
  const port = await freePort(known?.port);
  writeRedisConfiguration(directory, password, port);
  return startServer(
    {
      file: binary,
      args: ["redis.conf"],
      identity: {},
      cwd: redisFolder(directory),
      logPath: join(directory, "logs", "redis.log"),
    },
    (process) => noteService(directory, "redis", { password, port, process }),
  );
};

const portWasTaken = (server: StartedServer): boolean =>
  /could not (bind|create server TCP)|Address already in use/i.test(server.log.written());

const dataWasUnreadable = (server: StartedServer): boolean =>
  /bad file format|can't handle RDB|corrupt|error (loading|reading)|RDB file|AOF manifest|short read|checksum/i.test(
    server.log.written(),
  );

const inUse = (pid: number): string =>
  `The embedded Redis (process ${pid}) is in use by other millrace processes and does not answer to this one.
End some of those processes, or all of them, and start again.`;

const notStarted = (server: StartedServer): string =>
  `The embedded Redis did not start: ${server.state()}. Its log says:
${server.log.tail()}
Fix what the log names and start again, or set REDIS_URL to a Redis of your own.`;
