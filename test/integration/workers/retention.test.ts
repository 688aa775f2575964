import { expect, it, onTestFinished } from "vitest";
import { requestById } from "../../../src/ledger/requests.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { requestIn } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

it("the reconciler carries out what the settings say, and leaves what is open", async () => {
  const fleet = await openTestFleet(services, {
    settings: { retention: { logsDays: 30 }, capture: { tenants: { clinic: "off" } } },
  });
  const { ledger } = fleet;
  const old = await requestIn(ledger, "failed");
  const clinic = await requestIn(ledger, "succeeded", { tenant: "clinic" });
  const held = await requestIn(ledger, "held");
  await ledger.sql`update requests set created_at = created_at - interval '40 days'`;
  await ledger.sql`update requests set finished_at = now() - interval '31 days' where id = ${old}`;
  await ledger.sql`update requests set finished_at = now() - interval '25 hours' where id = ${clinic}`;
  const errors: unknown[] = [];
  const reconciler = startReconciler(fleet, (error) => errors.push(error));
  onTestFinished(() => reconciler.stop());

  await eventually("the old request is gone", async () => (await requestById(ledger, old)) === undefined);
  await eventually("nothing is kept of the clinic's", async () => {
    const kept = (await requestById(ledger, clinic))?.kept;
    return kept?.prompt === "removed" && kept.answer === "removed";
  });
  expect(await requestById(ledger, held)).toMatchObject({ state: "held", kept: { prompt: "whole" } });
  expect(errors).toEqual([]);
});
