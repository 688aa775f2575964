/** The short form of `npm run chaos`: real faults over each other, and the ledger against the provider's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { faults, mixed } from "../chaos/faults.ts";
import { openFleetArm } from "../chaos/fleet-arm.ts";
import { runFault, warmUp } from "../chaos/run.ts";
import { openStage } from "../chaos/stage.ts";

const chosen = ["worker killed", "API killed", "FLUSHALL three times", "Redis killed, AOF", "Postgres restarted twice"];

it("nothing accepted is lost and every call is admitted while workers, Redis and Postgres are killed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-chaos-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const stage = await openStage(directory, 1);
  onTestFinished(() => stage.close());
  const arm = await openFleetArm(stage);
  onTestFinished(() => arm.close());
  await warmUp(arm);

  let turn = 0;
  const random = () => (turn++ % 7) / 7;
  const fault = mixed(
    3,
    faults.filter(({ name }) => chosen.includes(name)),
  );
  const outcome = await runFault({ stage, arm, random, say: () => {} }, fault, { perSecond: 30, patienceMs: 60_000 });

  expect(outcome.accepted).toBeGreaterThan(100);
  expect(outcome).toMatchObject({
    terminal: outcome.accepted,
    failed: 0,
    unadmittedDuplicates: 0,
    ledgerDifferenceNanoUsd: 0,
    left: 0,
  });
}, 180_000);
