import { expect, onTestFinished, test } from "vitest";
import { requestById } from "../../../src/ledger/requests.ts";
import { promptBody } from "../../../src/request/body.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { startAll } from "../../../workers/all.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

test("an endpoint of one's own is called as millrace.yaml says, with its key, and its requests are recorded under its name", async () => {
  const simulator = await startSimulator({ anyModel: true });
  onTestFinished(() => simulator.close());
  const mine = { like: "openai-compatible" as const, baseUrl: simulator.baseUrls.openai, apiKeyVariable: "MINE_KEY" };
  const fleet = await openTestFleet(services, {
    settings: { providers: { mine } },
    environment: { MINE_KEY: "sim-mine-0123456789" },
  });
  const workers = await startAll(fleet, { onError: () => {} });
  onTestFinished(() => workers.drain(0));
  const [accepted] = await fleet.intake.accept([
    { body: promptBody("mine/llama", "Say hello."), tenant: "t", priority: "standard" },
  ]);
  if (accepted?.ok !== true) throw new Error(JSON.stringify(accepted));
  expect(accepted.warning).toContain("llama is not known by name at mine");
  const ended = await eventually("it has ended", async () => {
    const view = await requestById(fleet.ledger, accepted.id);
    return view?.finishedAt === undefined ? undefined : view;
  });
  expect(ended).toMatchObject({ state: "succeeded", result: { provider: "mine", model: "llama" } });
});
