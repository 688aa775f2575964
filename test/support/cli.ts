/** The built command line as a process of its own, with its words and its end. `npm test` builds before it tests. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../../dist/producers/cli/main.js", import.meta.url));

export interface CliEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly pid: number;
  readonly ended: Promise<CliEnd>;
  /** Resolves when stdout or stderr has said this; rejects with all words when the process ends before. */
  said(words: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface CliOptions {
  readonly cwd: string;
  /** Instead of this process' environment, but for PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder of another build. */
  readonly build?: string;
}

export const runCli = (args: readonly string[], options: CliOptions): Promise<CliEnd> => startCli(args, options).ended;

/** Started from a test; killed when the test ends. */
export function startCli(args: readonly string[], { cwd, environment = {}, build }: CliOptions): CliProcess {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(
    process.execPath,
    [build === undefined ? main : join(build, "dist/producers/cli/main.js"), ...args],
    {
      cwd,
      env: { PATH, HOME, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const words = { stdout: "", stderr: "" };
  let heard = () => {};
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      words[name] += text;
      heard();
    });
  }
  const ended = new Promise<CliEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, ...words });
      heard();
    });
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    pid: child.pid ?? 0,
    ended,
    async said(pattern) {
      while (!pattern.test(words.stdout) && !pattern.test(words.stderr)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`it ended without saying ${pattern}:\n${words.stdout}\n${words.stderr}`);
        }
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

/** A folder of the test's own, with a space in its name; removed when the test ends. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace work "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
