/**
 * Private PostgreSQL and Redis for those who named none: started detached, shared by every process that uses the same
 * directory, ended by the last one that stops using them.
 *
 * Invariants: everything happens under one lock that a kill -9 cannot leave shut; who is alive is decided by pid and
 * start time, never by a file that merely exists; what runs on our data is adopted, never started twice; nobody else's
 * server is touched.
 */
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { startPostgres, stopPostgres } from "./postgres.ts";
import { startRedis, stopRedis } from "./redis.ts";
import { type RedisSearch, systemSearch } from "./redis-binary.ts";
import { ServicesFailed } from "./services-failed.ts";
import { addUser, countUsers, removeUser } from "./users.ts";

export interface ServicesOptions {
  /** Absolute path of `.millrace`; made when missing. */
  directory: string;
  /** Told in one line what takes time or changes the machine. */
  say: (line: string) => void;
  /** Whether a PostgreSQL that accepts this URL's user and password answers a query. */
  databaseAnswers: (url: string) => Promise<boolean>;
  /** A Redis of the operator's: none is started then. */
  redisUrl?: string | undefined;
  /** A PostgreSQL of the operator's: none is started then. */
  databaseUrl?: string | undefined;
  /** Where Redis is looked for; the PATH unless told. */
  redisSearch?: RedisSearch;
}

export interface Services {
  redisUrl: string;
  databaseUrl: string;
  /** Gives up this use; the last one to do so ends both services and waits for their end. Further calls do nothing. */
  stop(): Promise<void>;
}

/**
 * Starts or adopts the services of `directory` and registers this process as a user of them.
 * @throws ServicesFailed with what to do next; no server is left running without a user
 */
export const startServices = async (options: ServicesOptions): Promise<Services> => {
  if (options.redisUrl !== undefined && options.databaseUrl !== undefined) {
    return { redisUrl: options.redisUrl, databaseUrl: options.databaseUrl, stop: async () => {} };
  }
  if (process.platform === "win32") throw new ServicesFailed(notOnWindows);
  try {
    mkdirSync(options.directory, { recursive: true });
    return await startUnderLock(options, realpathSync(options.directory));
  } catch (error) {
    throw isRefusal(error) ? new ServicesFailed(notAllowed(options.directory, error), { cause: error }) : error;
  }
};

const startUnderLock = (options: ServicesOptions, directory: string): Promise<Services> => {
  const lock = { ...options, directory };
  return exclusively(lock, async () => {
    const start = { ...lock, search: options.redisSearch ?? systemSearch, shared: countUsers(directory) > 0 };
    const user = addUser(directory);
    try {
      const redisUrl = options.redisUrl ?? (await startRedis(start));
      const databaseUrl = options.databaseUrl ?? (await startPostgres(start));
      return { redisUrl, databaseUrl, stop: () => exclusively(lock, () => leave(directory, user)) };
    } catch (error) {
      // What stopped the start is the news, not what else may go wrong on the way out.
      await leave(directory, user).catch(() => {});
      throw error;
    }
  });
};

const exclusively = <T>({ directory, say }: ServicesOptions, act: () => Promise<T>): Promise<T> =>
  withLock(join(directory, "lock"), (pid) => say(`waiting for process ${pid}, which is busy with the services …`), act);

const leave = async (directory: string, user: string): Promise<void> => {
  removeUser(directory, user);
  if (countUsers(directory) > 0) return;
  await Promise.all([stopPostgres(directory), stopRedis(directory)]);
};

/** The system said no to a file operation: a matter for the operator, not a bug. */
const isRefusal = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error &&
  "code" in error &&
  ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EEXIST", "ENOTDIR"].includes(String(error.code));

const notAllowed = (directory: string, error: Error): string =>
  `The embedded services cannot use ${directory}: ${error.message}
Run as the user that owns it, or make it usable for this one, or set REDIS_URL and DATABASE_URL to servers of your own.`;

const notOnWindows = `Embedded services need Linux or macOS. On Windows use WSL, or docker compose up,
or set REDIS_URL and DATABASE_URL to servers of your own.`;
