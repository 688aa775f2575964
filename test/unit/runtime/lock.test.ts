import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { withLock } from "../../../src/runtime/embedded/lock.ts";
import { temporaryFolder } from "./folder.ts";

const nobodyWaits = (pid: number) => {
  throw new Error(`waits for ${pid}`);
};

test("only one at a time is inside, in whatever order they come", async () => {
  const folder = temporaryFolder();
  let inside = 0;
  let most = 0;
  let entered = 0;
  const visit = () =>
    withLock(folder, nobodyWaits, async () => {
      entered += 1;
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    });
  await Promise.all(Array.from({ length: 20 }, visit));
  expect([entered, most]).toEqual([20, 1]);
});

test("a holder that died is passed by at once, also when its pid is somebody else's by now", async () => {
  const folder = temporaryFolder();
  symlinkSync("4194304@long-gone", join(folder, "1"));
  expect(await withLock(folder, nobodyWaits, async () => "in")).toBe("in");

  const reused = temporaryFolder();
  symlinkSync(`${process.pid}@another start`, join(reused, "7"));
  expect(await withLock(reused, nobodyWaits, async () => "in")).toBe("in");
});

test("a failure inside gives the lock back and is passed on", async () => {
  const folder = temporaryFolder();
  const failing = withLock(folder, nobodyWaits, async () => Promise.reject(new Error("inside")));
  await expect(failing).rejects.toThrow("inside");
  expect(await withLock(folder, nobodyWaits, async () => "in")).toBe("in");
});

test("whoever waits for long is told for whom, once", async () => {
  const folder = temporaryFolder();
  const told = vi.fn();
  let leave = () => {};
  const first = withLock(folder, nobodyWaits, () => new Promise<void>((resolve) => (leave = resolve)));
  const clock = vi.spyOn(Date, "now");
  let now = 0;
  clock.mockImplementation(() => (now += 1_000));
  const second = withLock(folder, told, async () => "in");
  await vi.waitFor(() => expect(told).toHaveBeenCalled());
  clock.mockRestore();
  leave();
  await first;
  expect(await second).toBe("in");
  expect(told.mock.calls).toEqual([[process.pid]]);
});

test("a thousand uses leave a handful of links", async () => {
  const folder = temporaryFolder();
  for (let uses = 0; uses < 1_000; uses += 1) await withLock(folder, nobodyWaits, async () => {});
  expect(readdirSync(folder).length).toBeLessThanOrEqual(12);
});
