/** What can be said of a batch file at once: its name and its first line. Everything else is found later, line by line. */
import { openInput } from "../jsonl/input.ts";
import { readLines } from "../jsonl/lines.ts";
import type { FileStore, StoredBytes } from "./file-store.ts";

/** Undefined: it may be a batch file. */
export async function firstLineTrouble(
  store: FileStore,
  { name, bytes }: StoredBytes,
  filename: string,
): Promise<string | undefined> {
  if (!/\.jsonl$/i.test(filename)) return "by its name it is something else";
  if (bytes === 0) return "it is empty";
  const opened = await openInput(store.path(name));
  if (!opened.ok) return opened.reason;
  try {
    for await (const line of readLines(opened.input.chunks())) {
      if (!line.readable) return `its first line ${line.reason}`;
      return isJson(line.text) ? undefined : "its first line is not JSON";
    }
    return "it holds no line";
  } finally {
    await opened.input.close();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
