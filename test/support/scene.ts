/** A fleet on which everything is going on that a dashboard has to show: see `play`. */
import { switchLaneOff } from "../../producers/lane-switch.ts";
import { openBatch, sealBatch } from "../../src/ledger/batches.ts";
import { promptBody } from "../../src/request/body.ts";
import { eventually } from "./eventually.ts";
import { openTestHttp, type TestHttp } from "./http.ts";
import type { TestServices } from "./services.ts";

export const scene = {
  pausedLane: "openai.gpt-5-mini",
  pauseReason: "quota review",
  /** Two of its four lines are for the paused lane. */
  batchLines: 4,
  calls: 3,
  brokenModel: "gemini-3.8-flash",
  brokenLane: "gemini.gemini-3.8-flash",
} as const;

/** A fleet with workers whose circuits open with the first failure. */
export const openPlay = (services: TestServices): Promise<TestHttp> =>
  openTestHttp(services, { workers: true, settings: { circuit: { threshold: 1 } } });

/** Calls that succeed, a provider that is down until its circuit opens, a paused lane, and a batch that waits for it. */
export async function play(http: TestHttp): Promise<void> {
  const { fleet, simulator } = http;
  await Promise.all(
    Array.from({ length: scene.calls }, (_, call) =>
      http.send("POST", "/v1/requests?wait_ms=20000", {
        model: "claude-haiku-4-5",
        prompt: `Number ${call}`,
        priority: "interactive",
      }),
    ),
  );
  simulator.order({ kind: "unavailable", provider: "gemini", forMs: 600_000 });
  await http.send("POST", "/v1/requests", {
    model: scene.brokenModel,
    prompt: "Is anybody there?",
    priority: "interactive",
  });
  await switchLaneOff(fleet, scene.pausedLane, scene.pauseReason);
  const batch = await openBatch(fleet.ledger, {
    tenant: "acme",
    source: "prompts.jsonl",
    fingerprint: "scene",
    options: {},
    total: scene.batchLines,
  });
  const models = ["claude-haiku-4-5", "gpt-5-mini"];
  await fleet.intake.accept(
    Array.from({ length: scene.batchLines }, (_, at) => ({
      body: promptBody(models[at % 2] ?? "", `Line ${at}`),
      tenant: "acme",
      priority: "bulk" as const,
      batchId: batch.id,
      line: { no: at + 1, customId: `line ${at + 1}`, shape: "plain" as const },
    })),
  );
  await sealBatch(fleet.ledger, batch.id);
  await eventually("half of the batch is done", async () => {
    const rows = await fleet.ledger.sql`select 1 from requests where batch_id = ${batch.id} and state = 'succeeded'`;
    return rows.length === scene.batchLines / 2;
  });
  await eventually("the circuit is open", async () => {
    const rows = await fleet.ledger.sql`select 1 from circuit_events where to_state = 'open'`;
    return rows.length > 0;
  });
}
