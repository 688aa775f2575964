/** The file a batch comes from. It is read twice through one open handle: a file that is replaced meanwhile stays whole. */
import { type FileHandle, open, stat } from "node:fs/promises";

export interface Input {
  readonly path: string;
  readonly bytes: number;
  /** From the start. Each chunk is overwritten by the next one. */
  chunks(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

export type OpenedInput =
  | { readonly ok: true; readonly input: Input }
  | { readonly ok: false; readonly reason: string };

const chunkBytes = 256 * 1024;

/** Opens a regular file. What is not one is an answer, in words that follow the path. */
export async function openInput(path: string): Promise<OpenedInput> {
  try {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    const found = await stat(path);
    if (found.isDirectory()) return { ok: false, reason: "is a folder; name a file in it" };
    if (!found.isFile()) {
      return { ok: false, reason: "is not a regular file; a batch is read twice, so save it to one first" };
    }
    const handle = await open(path, "r");
    return {
      ok: true,
      input: { path, bytes: found.size, chunks: () => chunksOf(handle), close: () => handle.close() },
    };
  } catch (error) {
    return { ok: false, reason: cannotOpen(error) };
  }
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function cannotOpen(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
  return `cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
}
