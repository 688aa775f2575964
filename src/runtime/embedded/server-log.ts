/** The log file of one service: appended to by the service itself, set aside when it has grown, quoted when a start fails. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

const largestBytes = 10 * 1024 * 1024;

export interface ServerLog {
  /** What the service wrote since this log was opened. */
  written(): string;
  /** The last lines of it, for an error message. */
  tail(): string;
  descriptor: number;
  close(): void;
}

/** Opens `path` for one start of a service; a file over 10 MB becomes `<path>.old` first. */
export const openServerLog = (path: string): ServerLog => {
  mkdirSync(dirname(path), { recursive: true });
  if (sizeOf(path) > largestBytes) renameSync(path, `${path}.old`);
  const from = sizeOf(path);
  const descriptor = openSync(path, "a", 0o600);
  const written = () => readFileSync(path).subarray(from).toString("utf8");
  return {
    written,
    tail: () => `${lastLines(written())}\n  (all of it: ${path})`,
    descriptor,
    close: () => closeSync(descriptor),
  };
};

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The last twelve lines, indented. */
export const lastLines = (text: string): string =>
  text
    .trimEnd()
    .split("\n")
    .slice(-12)
    .map((line) => `  ${line}`)
    .join("\n");
