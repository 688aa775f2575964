import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import {
  argumentsOf,
  endProcess,
  isRunning,
  isTaken,
  liveProcess,
} from "../../../src/runtime/embedded/live-process.ts";

const started = (script: string) => {
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  const known = liveProcess(child.pid ?? 0);
  if (known === undefined) throw new Error("not started");
  return { child, known, ready: once(child.stdout, "data") };
};

test("this process runs, an earlier one with its pid does not, and neither does pid 0", () => {
  const me = liveProcess(process.pid);
  expect(me && isRunning(me)).toBe(true);
  expect(isRunning({ pid: process.pid, started: "before" })).toBe(false);
  expect(liveProcess(0)).toBeUndefined();
  expect(liveProcess(Number.NaN)).toBeUndefined();
  expect(isTaken(Number.NaN)).toBe(false);
});

test("the arguments of a process can be read, those of none are empty", async () => {
  const { child, known, ready } = started("console.log('ready'); setInterval(() => {}, 1000) // marked");
  await ready;
  expect(argumentsOf(known.pid).join(" ")).toContain("// marked");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isRunning(known)).toBe(false);
  expect(argumentsOf(known.pid)).toEqual([]);
});

test("a process that ignores the gentle signal gets the next one", async () => {
  const { child, known, ready } = started(
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')",
  );
  const exit = once(child, "exit");
  await ready;
  await endProcess(known, [
    ["SIGTERM", 50],
    ["SIGKILL", 5_000],
  ]);
  expect(await exit).toEqual([null, "SIGKILL"]);
});

test("a process that outlives every signal is an error with its pid", async () => {
  const { child, known, ready } = started(
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')",
  );
  await ready;
  await expect(endProcess(known, [["SIGTERM", 20]])).rejects.toThrow(`process ${known.pid} did not end`);
  child.kill("SIGKILL");
  await once(child, "exit");
});
