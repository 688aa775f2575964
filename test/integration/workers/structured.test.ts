/** Answers that are not of the form asked for, with the whole fleet around them. */
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { promptBody } from "../../../src/request/body.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, failure, type ReceivedCall, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { callsOf, ended, haiku, startWork } from "../../support/work.ts";

const services = useServices();

const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

async function askForPerson(fleet: Fleet): Promise<string> {
  const body = { ...promptBody(haiku, "Who?"), responseFormat: { type: "json-schema" as const, schema } };
  const [entry] = await fleet.intake.accept([{ tenant: "t", priority: "standard", body }]);
  if (entry?.ok !== true) throw new Error(entry?.refusal.message);
  return entry.id;
}

/** What the ledger keeps of a request's contents, prompts apart. */
async function kept(fleet: Fleet, id: string): Promise<Readonly<Record<string, unknown>>> {
  const rows = await fleet.ledger.sql<{ kind: string; content: unknown }[]>`
    select kind, content from payloads where request_id = ${id} and kind <> 'body'`;
  return Object.fromEntries(rows.map(({ kind, content }) => [kind, content]));
}

const settings = (schemaRetries: number, perDeployment = 9) => ({
  settings: { attempts: { perDeployment, total: 9, schemaRetries, baseMs: 1, capMs: 2 } },
});
const wrong = ({ nth }: ReceivedCall) => answer(JSON.stringify({ name: nth }));

describe("an answer that does not fit its schema", () => {
  test("is asked for again, and the one that fits is the result", async () => {
    const fleet = await openTestFleet(services, settings(2));
    const anthropic = testProvider((call) => (call.nth < 3 ? wrong(call) : answer('{"name": "Ada"}')));
    await startWork(fleet, { anthropic });
    const id = await askForPerson(fleet);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 3 });
    expect(await kept(fleet, id)).toEqual({ result: expect.objectContaining({ text: '{"name": "Ada"}' }) });
  });

  test.each([
    ["as often as the retries for it allow", settings(2), 3],
    ["never, where there are none", settings(0), 1],
    ["not beyond the attempts on its deployment", settings(5, 2), 2],
  ])("is asked for again %s; then it fails, and the last text is kept", async (_, wish, calls) => {
    const fleet = await openTestFleet(services, wish);
    const anthropic = testProvider(wrong);
    await startWork(fleet, { anthropic });
    const id = await askForPerson(fleet);
    const { state, failure: why, result } = await ended(fleet, id);
    expect({ state, kind: why?.kind, result }).toEqual({ state: "failed", kind: "schema", result: undefined });
    expect(why?.message).toContain("#/name (type)");
    expect(anthropic.calls).toHaveLength(calls);
    expect(await kept(fleet, id)).toEqual({ rejected: `{"name":${calls}}` });
  });

  test("has a row for each call, with what it cost", async () => {
    const fleet = await openTestFleet(services, settings(1));
    await startWork(fleet, { anthropic: testProvider(wrong) });
    const id = await askForPerson(fleet);
    await ended(fleet, id);
    const calls = await callsOf(fleet, id);
    expect(calls).toHaveLength(2);
    for (const call of calls) {
      expect(call).toMatchObject({ outcome: "failed", failureKind: "schema", inputTokens: 10, outputTokens: 5 });
      expect(Number(call.costNanoUsd)).toBeGreaterThan(0);
    }
  });

  test("has a budget of its own: other failures in between take nothing of it", async () => {
    const fleet = await openTestFleet(services, settings(2));
    const anthropic = testProvider((call) => {
      if (call.nth === 5) return answer('{"name": "Ada"}');
      return call.nth % 2 === 1 ? failure("server") : wrong(call);
    });
    await startWork(fleet, { anthropic });
    const id = await askForPerson(fleet);
    // Failed, missed, failed, missed, right.
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 5 });
  });

  test("is not tried elsewhere: another model says what this one should", async () => {
    const fleet = await openTestFleet(services, { ...settings(0), environment: { FALLBACK_CHAIN: "openai" } });
    const openai = testProvider(() => answer('{"name": "Ada"}'));
    await startWork(fleet, { anthropic: testProvider(wrong), openai });
    const id = await askForPerson(fleet);
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", failure: { kind: "schema" } });
    expect(openai.calls).toEqual([]);
  });
});
