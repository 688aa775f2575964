/**
 * As whom PostgreSQL runs. It refuses to run as root, so root hands it to an existing user without rights: the owner of
 * the data, else `postgres`, else `nobody`. Where that user cannot enter the folder, nobody's permissions are relaxed:
 * the server is started with the one capability that lets it search and read (it can then read any file of the machine,
 * as root could; it listens on 127.0.0.1 only, behind a random password).
 */
import { readFileSync, statSync } from "node:fs";
import { runCommand } from "./command.ts";
import { ServicesFailed } from "./services-failed.ts";

/** How to start a program as the user that PostgreSQL runs as. */
export interface PostgresUser {
  /** Owner for the files that PostgreSQL must own; undefined when it is this process's own user. */
  owner: { uid: number; gid: number } | undefined;
  wrap(file: string, args: readonly string[]): StartCommand;
}

export interface StartCommand {
  file: string;
  args: readonly string[];
  /** For the options of spawn; Node then drops the supplementary groups too. */
  identity: { uid?: number; gid?: number };
}

/** The capabilities that let a process into folders of others, the smaller one first, with their bits in `CapEff`. */
const searchCapabilities = [
  { name: "dac_read_search", bit: 2n },
  { name: "dac_override", bit: 1n },
] as const;

/**
 * Chooses the user and proves the choice by running the real binary from the real folder.
 * @param binary the `postgres` program
 * @param home existing folder in which the data lies or will lie
 * @param data the data folder itself, which may not exist yet
 * @throws ServicesFailed when no user can run the binary or enter the folder
 */
export const findPostgresUser = async (binary: string, home: string, data: string): Promise<PostgresUser> => {
  const dataOwner = statSync(data, { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0) {
    const me = process.geteuid?.();
    if (dataOwner !== undefined && dataOwner.uid !== me)
      throw new ServicesFailed(belongsToAnother(data, dataOwner.uid));
    return { owner: undefined, wrap: (file, args) => ({ file, args, identity: {} }) };
  }
  const owner = dataOwner !== undefined && dataOwner.uid !== 0 ? dataOwner : await userWithoutRights();
  const tried: string[] = [];
  for (const wrap of waysToBecome(owner)) {
    const probe = wrap("/bin/sh", ["-c", 'cd "$1" && exec "$0" --version', binary, home]);
    const { ok, output } = await runCommand(probe.file, probe.args, { ...probe.identity, cwd: "/" });
    if (ok) return { owner: { uid: owner.uid, gid: owner.gid }, wrap };
    tried.push(`  ${output.trim()}`);
  }
  throw new ServicesFailed(cannotEnter(home, owner.uid, tried));
};

const waysToBecome = (owner: { uid: number; gid: number }): PostgresUser["wrap"][] => [
  (file, args) => ({ file, args, identity: { uid: owner.uid, gid: owner.gid } }),
  ...ownCapabilities().map((name): PostgresUser["wrap"] => (file, args) => ({
    file: "setpriv",
    identity: {},
    args: [
      `--reuid=${owner.uid}`,
      `--regid=${owner.gid}`,
      "--clear-groups",
      `--inh-caps=+${name}`,
      `--ambient-caps=+${name}`,
      // Without it access(2) ignores the capability for everyone but root, and initdb asks access(2) for its neighbours.
      "--securebits=+no_setuid_fixup",
      file,
      ...args,
    ],
  })),
];

const ownCapabilities = (): string[] => {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    const bits = BigInt(`0x${effective ?? "0"}`);
    return searchCapabilities.filter(({ bit }) => (bits & (1n << bit)) !== 0n).map(({ name }) => name);
  } catch {
    return [];
  }
};

const userWithoutRights = async (): Promise<{ uid: number; gid: number }> => {
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = await Promise.all([runCommand("id", ["-u", name]), runCommand("id", ["-g", name])]);
    if (uid.ok && gid.ok && Number(uid.output) > 0) return { uid: Number(uid.output), gid: Number(gid.output) };
  }
  return { uid: 65534, gid: 65534 };
};

const belongsToAnother = (data: string, uid: number): string =>
  `${data} belongs to another user (uid ${uid}), and PostgreSQL runs only as the owner of its data.
Run as that user, or give this one the folder, or set DATABASE_URL to a PostgreSQL of your own.`;

const cannotEnter = (home: string, uid: number, tried: readonly string[]): string =>
  `PostgreSQL does not run as root, and uid ${uid}, which would run it, cannot use ${home}:
${tried.join("\n")}
Either run as an ordinary user, or move the project to a folder that others may enter (such as /srv or /opt),
or install setpriv (package util-linux) so that only this server may enter, or set DATABASE_URL to a PostgreSQL of your own.`;
