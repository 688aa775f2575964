import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { isRunning } from "../../../src/runtime/embedded/live-process.ts";
import { eventually, read, temporaryDirectory } from "./directory.ts";

/** Starts a "server" that leaves a mark, and writes its process down; `record` says what else happens at that moment. */
const script = (folder: string, record: string) => `
  import { writeFileSync } from "node:fs";
  import { startServer } from ${JSON.stringify(new URL("../../../dist/src/runtime/embedded/server-process.js", import.meta.url).href)};
  process.chdir(${JSON.stringify(folder)});
  const mark = "echo $$ > ran; exec sleep 60";
  const command = { file: "/bin/sh", args: ["-c", mark], identity: {}, cwd: process.cwd(), logPath: "server.log" };
  startServer(command, (started) => {
    writeFileSync("recorded", JSON.stringify(started));
    ${record}
  });`;

const run = async (record: string): Promise<string> => {
  const folder = dirname(temporaryDirectory());
  const child = spawn(process.execPath, ["--input-type=module", "-e", script(folder, record)], { stdio: "inherit" });
  await once(child, "exit");
  return folder;
};

test("a server whose starter is killed right after writing it down never starts", async () => {
  const folder = await run('process.kill(process.pid, "SIGKILL");');
  const server = JSON.parse(read(join(folder, "recorded")));
  await eventually(() => !isRunning(server));
  expect(existsSync(join(folder, "ran"))).toBe(false);
});

test("a server outlives its starter, as the process that was written down", async () => {
  const folder = await run("");
  const server = JSON.parse(read(join(folder, "recorded")));
  await eventually(() => existsSync(join(folder, "ran")) && read(join(folder, "ran")) === `${server.pid}\n`);
  expect(isRunning(server)).toBe(true);
  process.kill(server.pid, "SIGKILL");
  await eventually(() => !isRunning(server));
});
