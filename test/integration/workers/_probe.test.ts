import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startFeeder } from "../../../workers/feeder.ts";
import { startProviderWorker } from "../../../workers/provider-worker.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, later, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";
import { allEnded, handIn, prompts, states } from "../../support/work.ts";

const services = useServices();
const named = async (name: string, p: Promise<unknown>) => {
  const r = await Promise.race([p.then(() => "ok"), sleep(8000, "HANGS")]);
  if (r !== "ok") console.log(name, r);
  return r;
};
test.each(Array.from({ length: 25 }, (_, i) => i))("round %i", async () => {
  const way = await severable(await services.emptyRedis());
  const fleet = await openTestFleet(services, { environment: { REDIS_URL: way.url } });
  const anthropic = testProvider((call, io) => later(20, io, answer(call.prompt)));
  const errors: unknown[] = [];
  await handIn(fleet, prompts(150), { priority: "bulk" });
  const onError = (e: unknown) => errors.push(e);
  const feeder = startFeeder(fleet, onError);
  const reconciler = startReconciler(fleet, onError);
  const worker = startProviderWorker(fleet, {
    providers: ["anthropic"],
    connections: new Map([["anthropic", anthropic.connection]]),
    onError,
  });
  await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) >= 60);
  way.cut();
  await sleep(200 + Math.random() * 1500);
  way.mend();
  expect(await allEnded(fleet)).toEqual({ succeeded: 150 });
  const rs = await Promise.all([
    named("feeder", feeder.stop()),
    named("reconciler", reconciler.stop()),
    named("worker", worker.drain(0)),
  ]);
  expect(rs).toEqual(["ok", "ok", "ok"]);
});
