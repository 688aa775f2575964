/** The data folder of PostgreSQL while no server runs on it: made whole or not at all, and its password set anew when it was lost. */
import {
  chownSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { majorVersion, type PostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresUser } from "./postgres-user.ts";
import { lastLines } from "./server-log.ts";
import { serverEnvironment } from "./server-process.ts";
import { ServicesFailed } from "./services-failed.ts";

/** Superuser and database of the embedded PostgreSQL. */
export const databaseName = "millrace";

export interface Cluster {
  directory: string;
  binaries: PostgresBinaries;
  user: PostgresUser;
}

const dataOf = (directory: string): string => join(directory, "postgres");
const staging = "postgres.new-";

/**
 * Makes `<directory>/postgres` when there is none: built in a folder beside it and renamed when it is complete,
 * so that one killed half-way is never taken for data.
 */
export const createCluster = async ({ directory, binaries, user }: Cluster, password: string): Promise<void> => {
  removeLeftovers(directory);
  setAside(dataOf(directory));
  const folder = mkdtempSync(join(directory, staging));
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user.owner) {
    chownSync(folder, user.owner.uid, user.owner.gid);
    chownSync(passwordFile, user.owner.uid, user.owner.gid);
  }
  const data = join(folder, "data");
  await mustRun(user, binaries.initdb, [
    `--pgdata=${data}`,
    "--encoding=UTF8",
    "--locale=C",
    "--auth=scram-sha-256",
    `--username=${databaseName}`,
    `--pwfile=${passwordFile}`,
  ]);
  await runAlone(user, binaries, data, `CREATE DATABASE ${databaseName}`);
  renameSync(data, dataOf(directory));
  rmSync(folder, { recursive: true, force: true });
};

/** Gives the superuser a new password: for data whose password was lost with `services.json`. No server may run on it. */
export const resetPassword = ({ directory, binaries, user }: Cluster, password: string): Promise<void> =>
  runAlone(user, binaries, dataOf(directory), `ALTER ROLE ${databaseName} PASSWORD '${password}'`);

/**
 * Checks that these programs can use the data, and takes over files that a copy by root left to root.
 * @throws ServicesFailed when the data was written by another major version
 */
export const checkCluster = async ({ directory, binaries, user }: Cluster): Promise<void> => {
  const data = dataOf(directory);
  const written = readFileSync(join(data, "PG_VERSION"), "utf8").trim();
  const program = await runCommand(binaries.postgres, ["--version"], { env: serverEnvironment });
  if (majorVersion(program.output) !== written) {
    throw new ServicesFailed(
      `${data} was written by PostgreSQL ${written}, and the one that is installed is ${program.output.trim()}.
Install the version of millrace that wrote it and dump the data, or move the folder away to begin anew.`,
    );
  }
  const { owner } = user;
  if (owner && statSync(data).uid === 0) handOver(data, owner);
};

/** Whether there is data to run on: initdb writes the control file last, so a folder without it was never finished. */
export const clusterExists = (directory: string): boolean =>
  ["PG_VERSION", "global/pg_control"].every((file) => exists(join(dataOf(directory), file)));

const removeLeftovers = (directory: string): void => {
  for (const name of readdirSync(directory).filter((name) => name.startsWith(staging))) {
    try {
      rmSync(join(directory, name), { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // An orphaned initdb may still be writing there; the next start removes it.
    }
  }
};

/** A data folder that is no cluster was not made by us: it is kept under another name. */
const setAside = (data: string): void => {
  if (exists(data)) renameSync(data, `${data}.incomplete-${Date.now()}`);
};

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

const runAlone = async (user: PostgresUser, binaries: PostgresBinaries, data: string, sql: string): Promise<void> => {
  const args = ["--single", "-D", data, "-c", "log_min_messages=fatal", "postgres"];
  const output = await mustRun(user, binaries.postgres, args, `${sql}\n`);
  if (/\b(ERROR|FATAL):/.test(output)) throw new ServicesFailed(failed("postgres --single", output));
};

const mustRun = async (user: PostgresUser, file: string, args: readonly string[], input = ""): Promise<string> => {
  const command = user.wrap(file, args);
  const { ok, output } = await runCommand(command.file, command.args, {
    ...command.identity,
    cwd: "/",
    env: serverEnvironment,
    input,
  });
  if (!ok) throw new ServicesFailed(failed(file, output));
  return output;
};

const handOver = (path: string, owner: { uid: number; gid: number }): void => {
  lchownSync(path, owner.uid, owner.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) handOver(child, owner);
    else lchownSync(child, owner.uid, owner.gid);
  }
};

const failed = (program: string, output: string): string =>
  `The embedded PostgreSQL could not be set up; ${program} said:
${lastLines(output)}
Free disk space or fix what it names and start again, or set DATABASE_URL to a PostgreSQL of your own.`;
