/** A process that cannot work any more ends with code 1, for a supervisor to start it anew. One that was merely stopped goes on: see zombie.test.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { CliProcess } from "../support/cli.ts";
import { openScene } from "../support/crash.ts";
import { useServices } from "../support/services.ts";
import { allEnded, handIn, prompts } from "../support/work.ts";

const services = useServices();

/** Stops it for 300 ms out of every 400, until it has ended. */
async function holdUp(process: CliProcess): Promise<void> {
  let isOver = false;
  void process.ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    process.kill("SIGSTOP");
    await sleep(300);
    process.kill("SIGCONT");
    await sleep(100);
  }
}

test("a worker whose event loop is held up again and again drains, says why, and ends with code 1", async () => {
  const { fleet, worker } = await openScene(services, { worker: { maxLagMs: 200, leaseMs: 10_000 } });
  await worker("feeder", "reconciler");
  const slow = await worker("anthropic");
  await handIn(fleet, prompts(20), { priority: "bulk" });
  await allEnded(fleet);
  const held = holdUp(slow);
  const { code, stderr } = await slow.ended;
  await held;
  expect(code).toBe(1);
  expect(stderr).toContain("Ending for a new start: the event loop was held up for more than 200 ms in each of 10 s.");
  expect(stderr).toContain("Stopping: calls in flight are finished");
});
