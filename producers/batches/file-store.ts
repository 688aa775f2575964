/**
 * The bytes of files, in a folder of their own. A file is complete or not there: it is written beside its place, fsynced and
 * renamed, and so is its folder; only then a row tells of it. What a crash leaves behind is swept. Any number of processes
 * may share the folder, and all that serve the same ledger must. Prompts are in it: only its owner may read it.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { validate as isUuid, v7 as uuidv7 } from "uuid";
import { noneIfAbsent, syncFolder } from "../../src/runtime/durable-folder.ts";

export interface StoredBytes {
  /** An id of its own. */
  readonly name: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface Incoming {
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Safe from a crash when it returns. */
  finish(): Promise<StoredBytes>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

export interface FileStore {
  begin(): Promise<Incoming>;
  path(name: string): string;
  /** Undefined: the bytes are not here. The caller closes it. */
  read(name: string): Promise<FileHandle | undefined>;
  remove(name: string): Promise<void>;
  /** Removes what nobody writes any more and no row tells of. Returns how many. */
  sweep(known: (names: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
}

const part = ".part";
const isOurs = (name: string): boolean => isUuid(name.replace(/\.part$/, ""));
/** Whoever still writes to a file has written more recently than that. */
const abandonedMs = 15 * 60_000;

export function openFileStore(home: string): FileStore {
  const folder = join(home, "files");
  const path = (name: string) => join(folder, name);
  return {
    path,
    async begin() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return incoming(folder, uuidv7());
    },
    read: (name) => open(path(name), "r").catch(noneIfAbsent),
    remove: (name) => rm(path(name), { force: true }),
    async sweep(known) {
      const names = (await readdir(folder).catch(noneIfAbsent)) ?? [];
      const old = await abandoned(names.filter(isOurs).map((name) => ({ name, path: path(name) })));
      const kept = await known(old.filter((name) => !name.endsWith(part)));
      const gone = old.filter((name) => !kept.has(name));
      await Promise.all(gone.map((name) => rm(path(name), { force: true })));
      return gone.length;
    },
  };
}

async function incoming(folder: string, name: string): Promise<Incoming> {
  const place = join(folder, name);
  const handle = await open(place + part, "wx", 0o600);
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk); // goes on where the last one ended
    },
    async finish() {
      await handle.sync();
      await handle.close();
      await rename(place + part, place);
      await syncFolder(folder);
      return { name, bytes, sha256: hash.digest("hex") };
    },
    async discard() {
      await handle.close();
      await rm(place + part, { force: true });
    },
  };
}

async function abandoned(files: readonly { readonly name: string; readonly path: string }[]): Promise<string[]> {
  const looked = await Promise.all(
    files.map(async ({ name, path }) => ({ name, found: await stat(path).catch(noneIfAbsent) })),
  );
  return looked.flatMap(({ name, found }) =>
    found !== undefined && found.mtimeMs < Date.now() - abandonedMs ? name : [],
  );
}
