/** Short commands that end by themselves: what they printed and how they ended, never an exception. */
import { execFile } from "node:child_process";

export interface CommandResult {
  ok: boolean;
  output: string;
}

/** Runs a command to its end with nothing on its standard input. */
export const runCommand = (
  file: string,
  args: readonly string[],
  options: { uid?: number; gid?: number; cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const { input, ...settings } = options;
    try {
      const child = execFile(file, args, { ...settings, encoding: "utf8", maxBuffer: 16 << 20 }, (error, out, err) =>
        resolve({ ok: error === null, output: `${out}${err}${out || err || error === null ? "" : error.message}` }),
      );
      child.stdin?.on("error", () => {});
      child.stdin?.end(input ?? "");
    } catch (error) {
      // Node throws at once when the system refuses the uid or gid.
      resolve({ ok: false, output: error instanceof Error ? error.message : String(error) });
    }
  });

/** Where the shell finds a command, or undefined. */
export const findOnPath = async (name: string): Promise<string | undefined> => {
  const { ok, output } = await runCommand("/bin/sh", ["-c", 'command -v "$1"', "sh", name]);
  const path = output.trim();
  return ok && path.startsWith("/") ? path : undefined;
};
