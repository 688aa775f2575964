/** Programs that the set-up runs, always by this very Node and never through a shell. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./paths.mjs";

/** Path of a program that a dependency brought. */
export const tool = (name) => join(root, "node_modules", ".bin", name);

/**
 * Runs a script with Node in the clone and passes signals on to it.
 * @param {{ quiet?: boolean }} [options] quiet: keep its output instead of showing it
 * @returns {Promise<{ code: number, output: string }>} code: 128 + n when signal n ended it
 */
export const runNode = (script, args, options = {}) => run(process.execPath, [script, ...args], options);

/** The same for any program. */
export const run = (file, args, { quiet = false, env = {} } = {}) =>
  new Promise((resolve) => {
    const stdio = quiet ? ["ignore", "pipe", "pipe"] : "inherit";
    const child = spawn(file, args, { cwd: root, stdio, env: { ...process.env, ...env } });
    const forward = (signal) => child.kill(signal);
    // A Ctrl-C reaches the child through the terminal; here it must only not end us first.
    const ignore = () => {};
    process.on("SIGTERM", forward);
    process.on("SIGINT", ignore);
    let output = "";
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding("utf8").on("data", keep);
    child.stderr?.setEncoding("utf8").on("data", keep);
    const end = (code) => {
      process.off("SIGTERM", forward);
      process.off("SIGINT", ignore);
      resolve({ code, output });
    };
    child.once("error", (error) => {
      output += error.message;
      end(127);
    });
    child.once("close", (code, signal) => end(code ?? 128 + (signal === "SIGINT" ? 2 : 15)));
  });

/** Progress of the set-up: on standard error, since standard output belongs to the command. */
export const say = (line) => process.stderr.write(`${line}\n`);

/** Ends with a message instead of a stack trace: for what the reader can fix. */
export class SetupFailed extends Error {
  constructor(message, code = 1) {
    super(message);
    this.code = code;
  }
}
