/**
 * Who uses the services of a directory: one file per use, `users/<pid>.<id>`, that holds the start of the process.
 * Read and written under the lock only; the file of a process that is gone counts for nothing.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { liveProcess } from "./live-process.ts";

/** Registers one more use by this process and returns its name, for `removeUser`. */
export const addUser = (directory: string): string => {
  const name = `${process.pid}.${randomUUID()}`;
  mkdirSync(join(directory, "users"), { recursive: true });
  writeFileSync(join(directory, "users", name), liveProcess(process.pid)?.started ?? "");
  return name;
};

export const removeUser = (directory: string, name: string): void =>
  rmSync(join(directory, "users", name), { force: true });

/** How many uses by living processes there are; forgets those of dead ones. */
export const countUsers = (directory: string): number => {
  let living = 0;
  mkdirSync(join(directory, "users"), { recursive: true });
  for (const name of readdirSync(join(directory, "users"))) {
    const path = join(directory, "users", name);
    if (liveProcess(Number.parseInt(name, 10))?.started === readFileSync(path, "utf8")) living += 1;
    else rmSync(path, { force: true });
  }
  return living;
};
