/**
 * Lines that wait on disk for a Postgres that is away. A file is complete or not there: it is written beside its place,
 * fsynced and renamed, and so is its folder. It holds what providers answered, so only its owner may read it. Any number
 * of processes may share a folder: what is in it may be recorded twice.
 */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { noneIfAbsent, syncFolder } from "../runtime/durable-folder.ts";

export interface Spool {
  /** One file of these lines, safe from a crash when it returns. Rejects when the disk does not take it. */
  write(lines: readonly string[]): Promise<void>;
  /** Names of complete files, oldest first. */
  files(): Promise<readonly string[]>;
  /** Its lines; none when somebody else has removed it meanwhile. */
  read(name: string): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
  /** Keeps it for a person, and out of `files()`. */
  setAside(name: string): Promise<void>;
}

const complete = ".jsonl";

export function openSpool(folder: string): Spool {
  return {
    async write(lines) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, uuidv7());
      try {
        await writeDurably(`${path}.part`, lines.map((line) => `${line}\n`).join(""));
        await rename(`${path}.part`, path + complete);
      } catch (error) {
        await rm(`${path}.part`, { force: true });
        throw error;
      }
      await syncFolder(folder);
    },
    async files() {
      const names = (await readdir(folder).catch(noneIfAbsent)) ?? [];
      return names.filter((name) => name.endsWith(complete)).sort();
    },
    async read(name) {
      const text = (await readFile(join(folder, name), "utf8").catch(noneIfAbsent)) ?? "";
      return text.split("\n").filter((line) => line !== "");
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    setAside: (name) => rename(join(folder, name), join(folder, `${name}.refused`)),
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
