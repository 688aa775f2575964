/** A file that appears whole: written beside its place and renamed when it is complete. */
import { constants } from "node:fs";
import { access, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";

export interface OutputFile {
  write(text: string): Promise<void>;
  /** Puts the file in its place, over an older one. */
  finish(): Promise<void>;
  /** Leaves an older file as it was. */
  discard(): Promise<void>;
}

/** Why answers cannot be written to `path`, in words that follow it, or undefined: asked before money is spent. */
export async function outputTrouble(path: string, inputPath?: string): Promise<string | undefined> {
  const kind = await kindOf(path);
  if (kind === "folder") return "is a folder; name a file in it";
  if (kind === "file" && inputPath !== undefined && (await realpath(path)) === (await realpath(inputPath))) {
    return "is the input itself";
  }
  try {
    await access(kind === "device" ? path : dirname(path), constants.W_OK);
    return undefined;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return missing ? "is in a folder that does not exist" : "may not be written by this user";
  }
}

/** Rejects when the folder does not exist or may not be written. Devices and pipes are written straight. */
export async function openOutputFile(path: string): Promise<OutputFile> {
  const kind = await kindOf(path);
  const place = kind === "file" ? await realpath(path) : path;
  const written = kind === "device" ? place : `${place}.${process.pid}.tmp`;
  const handle = await open(written, "w");
  return {
    write: (text) => handle.writeFile(text), // goes on where the last one ended
    async finish() {
      if (written !== place) await handle.sync();
      await handle.close();
      if (written !== place) await rename(written, place);
    },
    async discard() {
      await handle.close();
      if (written !== place) await unlink(written);
    },
  };
}

async function kindOf(path: string): Promise<"file" | "folder" | "device" | "none"> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return "none";
  return found.isDirectory() ? "folder" : found.isFile() ? "file" : "device";
}
