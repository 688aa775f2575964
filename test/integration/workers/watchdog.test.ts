import { describe, expect, onTestFinished, test } from "vitest";
import { startFeeder } from "../../../workers/feeder.ts";
import { startProviderWorker } from "../../../workers/provider-worker.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, type TestProvider, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";
import { allEnded, handIn, prompts } from "../../support/work.ts";

const services = useServices();
const settings = {
  worker: { stuckSeconds: 2, leaseMs: 60_000, slotsPerLane: 2 },
  timeouts: { totalMs: 500, firstTokenMs: 500, idleMs: 500 },
} as const;

interface Watched {
  readonly troubles: string[];
  readonly errors: unknown[];
}

/** A worker that is watched. It is not drained: what is stuck does not drain. */
async function watched(anthropic: TestProvider, environment: Readonly<Record<string, string>> = {}) {
  const fleet = await openTestFleet(services, { settings, environment });
  const seen: Watched = { troubles: [], errors: [] };
  const onError = (error: unknown) => seen.errors.push(error);
  const feeder = startFeeder(fleet, onError);
  const worker = startProviderWorker(fleet, {
    providers: ["anthropic"],
    connections: new Map([["anthropic", anthropic.connection]]),
    onError,
    onTrouble: (reason) => seen.troubles.push(reason),
  });
  onTestFinished(() => feeder.stop());
  return { fleet, worker, ...seen };
}

describe("a worker that is watched", () => {
  test("is in trouble when all its calls hang and hear of no timeout", async () => {
    let release = () => {};
    const deaf = new Promise<void>((resolve) => {
      release = resolve;
    });
    const anthropic = testProvider(async (call) => {
      await deaf;
      return answer(call.prompt);
    });
    const { fleet, worker, troubles } = await watched(anthropic);
    onTestFinished(() => worker.drain(0));
    onTestFinished(release);
    await handIn(fleet, prompts(3), { priority: "bulk" });
    await eventually("it is in trouble", () => troubles.length > 0);
    expect(troubles).toEqual([expect.stringMatching(/^nothing has moved in anthropic\.haiku for 2 s although/)]);
  });

  test("is in none when it works, when it is idle, and when the lane is paused", async () => {
    const anthropic = testProvider();
    const { fleet, worker, troubles } = await watched(anthropic);
    onTestFinished(() => worker.drain(0));
    await handIn(fleet, prompts(10), { priority: "bulk" });
    await allEnded(fleet);
    await fleet.lanes.pause("anthropic.haiku");
    await handIn(fleet, prompts(10, "paused"), { priority: "bulk" });
    const since = Date.now();
    await eventually("twice its time has passed", () => Date.now() - since > 4_500);
    expect(troubles).toEqual([]);
  });

  test("is in none while Postgres is away", async () => {
    const way = await severable(await services.emptyDatabase());
    const anthropic = testProvider();
    const { fleet, worker, troubles, errors } = await watched(anthropic, { DATABASE_URL: way.url });
    onTestFinished(() => worker.drain(0));
    await handIn(fleet, prompts(200), { priority: "bulk" });
    await eventually("it works", () => anthropic.calls.length > 20);
    way.cut();
    await eventually("it has noticed", () => errors.length > 0);
    const since = Date.now();
    await eventually("twice its time has passed", () => Date.now() - since > 4_500);
    way.mend();
    expect(await allEnded(fleet)).toEqual({ succeeded: 200 });
    expect(troubles).toEqual([]);
  });
});
