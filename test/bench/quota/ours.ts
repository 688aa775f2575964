/** The arm that is measured: worker processes of the built command line, a feeder, and all five pools at once. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promptBody } from "../../../src/request/body.ts";
import { commandLine, endChildren, startChild } from "./children.ts";
import type { Judgement } from "./judge.ts";
import { run, type Scene, slotsOf } from "./scene.ts";
import type { QuotaShape } from "./shapes.ts";
import { type Length, maxOutputTokens, promptOf } from "./trace.ts";

export async function ours(
  scene: Scene,
  processes: number,
  shapes: readonly QuotaShape[],
): Promise<ReadonlyMap<QuotaShape["name"], Judgement>> {
  const key = `sim-ours-${1_000 + processes}`;
  const directory = await mkdtemp(join(tmpdir(), "millrace-quota-"));
  const settings = {
    worker: { slotsPerLane: slotsOf(processes) },
    pools: Object.fromEntries(scene.shapes.map((shape) => [shape.pool, shape.settings])),
  };
  await writeFile(join(directory, "millrace.json"), JSON.stringify(settings));
  const { baseUrls } = scene.simulator;
  const environment = {
    REDIS_URL: scene.fleet.redisUrl,
    DATABASE_URL: scene.fleet.databaseUrl,
    ANTHROPIC_API_KEY: key,
    ANTHROPIC_BASE_URL: baseUrls.anthropic,
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: baseUrls.openai,
    MILLRACE_LOG: "error",
  };
  const start = (...names: string[]) =>
    startChild([commandLine, "worker", ...names], /Working: /, environment, directory);
  const children = await Promise.all([
    start("feeder", "reconciler"),
    ...Array.from({ length: processes }, () => start("anthropic", "openai")),
  ]);
  const { lanes } = scene.fleet;
  try {
    return await run(
      scene,
      {
        key,
        handIn: (shape, requests) => handIn(scene, shape, requests),
        pause: () => Promise.all(shapes.map(({ pool }) => lanes.pause(pool))),
        resume: () => Promise.all(shapes.map(({ pool }) => lanes.resume(pool))),
      },
      shapes,
    );
  } finally {
    await endChildren(children, "SIGKILL");
    await rm(directory, { recursive: true, force: true });
    await scene.fleet.ledger.sql`delete from requests`;
  }
}

async function handIn(scene: Scene, shape: QuotaShape, requests: readonly Length[]): Promise<void> {
  const orders = requests.map((length) => ({
    body: { ...promptBody(shape.model, promptOf(length)), maxOutputTokens },
    tenant: "bench",
    priority: "standard" as const,
  }));
  for (let from = 0; from < orders.length; from += 500) {
    const accepted = await scene.fleet.intake.accept(orders.slice(from, from + 500));
    const refused = accepted.find((one) => !one.ok);
    if (refused?.ok === false) throw new Error(refused.refusal.message);
  }
}
