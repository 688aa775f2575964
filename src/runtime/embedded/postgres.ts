/** The embedded PostgreSQL server: adopted when it already runs on our data, else started. Called under the lock. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "./live-process.ts";
import { freePort } from "./ports.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import {
  type Cluster,
  checkCluster,
  clusterExists,
  createCluster,
  databaseName,
  resetPassword,
} from "./postgres-cluster.ts";
import { postgresSettings } from "./postgres-settings.ts";
import { findPostgresUser } from "./postgres-user.ts";
import { endPostmaster, findPostmaster } from "./postmaster.ts";
import { noteService, readRecord } from "./record.ts";
import { type StartedServer, startServer } from "./server-process.ts";
import { ServicesFailed } from "./services-failed.ts";

export interface PostgresStart {
  /** Canonical path of the services' directory. */
  directory: string;
  say: (line: string) => void;
  /** Whether a PostgreSQL that accepts this URL's user and password answers a query. */
  databaseAnswers: (url: string) => Promise<boolean>;
  /** Whether other living processes use the server: then it is not ended for keeping silent. */
  shared: boolean;
}

const retryPatienceMs = 60_000;
const recoveryPatienceMs = 600_000;
const answerPatienceMs = 30_000;

/** Failures that another try removes: a port taken meanwhile, backends that have not yet noticed their postmaster's death. */
const passing = /could not bind|could not create any TCP\/IP sockets|shared memory block|lock file "postmaster\.pid"/;

/**
 * Makes sure that PostgreSQL runs on `<directory>/postgres` and answers.
 * @returns the URL of its database
 * @throws ServicesFailed with the last lines of its log when it cannot be had
 */
export const startPostgres = async (start: PostgresStart): Promise<string> => {
  const until = Date.now() + retryPatienceMs;
  for (;;) {
    const running = findPostmaster(start.directory);
    if (running) {
      const url = await urlOnceItAnswers(start);
      if (url !== undefined) return url;
      if (start.shared && isRunning(running.process)) throw new ServicesFailed(silent(running.process.pid));
      await endPostmaster(running);
    }
    const server = await launch(start.directory, await preparedCluster(start));
    const url = await urlOnceItAnswers(start);
    if (url !== undefined) return url;
    if (Date.now() > until || !passing.test(server.log.written())) {
      const message = notStarted(server);
      await stopPostgres(start.directory);
      throw new ServicesFailed(message);
    }
    await sleep(200);
  }
};

/** Ends the PostgreSQL of this directory, if it runs. */
export const stopPostgres = async (directory: string): Promise<void> => {
  const running = findPostmaster(directory);
  if (running) await endPostmaster(running);
};

const preparedCluster = async ({ directory, say }: PostgresStart): Promise<Cluster> => {
  const binaries = postgresBinaries();
  const user = await findPostgresUser(binaries.postgres, directory, join(directory, "postgres"));
  const cluster: Cluster = { directory, binaries, user };
  const known = readRecord(directory).postgres;
  const password = known?.password ?? randomBytes(24).toString("hex");
  if (!clusterExists(directory)) {
    say("creating a private PostgreSQL database …");
    await createCluster(cluster, password);
  } else {
    await checkCluster(cluster);
    if (known === undefined) await resetPassword(cluster, password);
  }
  noteService(directory, "postgres", { ...known, password });
  return cluster;
};

const launch = async (directory: string, { binaries, user }: Cluster): Promise<StartedServer> => {
  const known = readRecord(directory).postgres;
  if (known === undefined) throw new Error("PostgreSQL is launched before its password is known");
  const port = await freePort(known.port);
  const options = [`port=${port}`, ...postgresSettings].flatMap((setting) => ["-c", setting]);
  const command = user.wrap(binaries.postgres, ["-D", join(directory, "postgres"), ...options]);
  const logPath = join(directory, "logs", "postgres.log");
  return startServer({ ...command, cwd: "/", logPath }, (process) =>
    noteService(directory, "postgres", { password: known.password, port, process }),
  );
};

/** Waits for the server that runs on our data; undefined when it is gone, or ready and yet does not answer to our password. */
const urlOnceItAnswers = async ({ directory, say, databaseAnswers }: PostgresStart): Promise<string | undefined> => {
  const begun = Date.now();
  let readySince: number | undefined;
  let told = false;
  for (;;) {
    const found = findPostmaster(directory);
    const password = readRecord(directory).postgres?.password;
    if (found === undefined || password === undefined) return undefined;
    if (found.ready && found.port !== undefined) {
      readySince ??= Date.now();
      const url = `postgres://${databaseName}:${password}@127.0.0.1:${found.port}/${databaseName}`;
      if (await databaseAnswers(url)) {
        noteService(directory, "postgres", { password, port: found.port, process: found.process });
        return url;
      }
    }
    const now = Date.now();
    if (now - begun > recoveryPatienceMs || now - (readySince ?? now) > answerPatienceMs) return undefined;
    if (!told && now - begun > 5_000 && isRunning(found.process)) {
      say("PostgreSQL is still starting (after a crash it recovers first) …");
      told = true;
    }
    await sleep(20);
  }
};

const silent = (pid: number): string =>
  `The embedded PostgreSQL (process ${pid}) is in use by other millrace processes and does not answer to this one.
It may have no connection left: end some of those processes, or all of them, and start again.`;

const notStarted = (server: StartedServer): string =>
  `The embedded PostgreSQL did not start: ${server.state()}. Its log says:
${server.log.tail()}
Fix what the log names and start again, or set DATABASE_URL to a PostgreSQL of your own.`;
