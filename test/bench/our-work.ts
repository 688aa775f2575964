/** Our pipeline at work: the arm of ours in benchmarks. */
import { v7 as uuidv7 } from "uuid";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { acceptRequests } from "../../src/ledger/accept.ts";
import { markDispatched } from "../../src/ledger/backlog.ts";
import { promptBody } from "../../src/request/body.ts";
import { silentTelemetry, type Telemetry } from "../../src/telemetry/telemetry.ts";
import { startProviderWorker } from "../../workers/provider-worker.ts";
import { instantConnection } from "./bench.ts";

export const model = "claude-haiku-4-5";
const lane = "anthropic.haiku";
/** The mean of a public trace (Azure LLM inference 2023, conversations): 1,155 tokens in, 211 out, four characters each. `--short`: one sentence in. */
export const prompt = "Summarise the ticket below in one line. ".repeat(process.argv.includes("--short") ? 1 : 115);

/** Requests a second, from the first that ended to the last; the clock starts when all of them wait. Throws unless all succeed. */
export async function ours(fleet: Fleet, jobs: number): Promise<number> {
  const ids = Array.from({ length: jobs }, () => uuidv7());
  for (let from = 0; from < jobs; from += 1_000) {
    const part = ids.slice(from, from + 1_000);
    await acceptRequests(
      fleet.ledger,
      part.map((id) => ({
        id,
        tenant: "bench",
        model,
        deployment: `anthropic/${model}`,
        lane,
        priority: 3,
        body: promptBody(model, prompt),
        estInputTokens: 12,
        estOutputTokens: 16,
      })),
    );
    const dispatched = await markDispatched(fleet.ledger, part, "bench");
    await fleet.lanes.add(
      dispatched.map((row) => ({
        lane,
        side: "main" as const,
        model,
        priority: 3,
        requestId: row.id,
        dispatchNo: row.dispatchNo,
        tenant: "bench",
      })),
    );
  }
  let started = 0;
  let finished = 0;
  let allFinished = () => {};
  const done = new Promise<void>((resolve) => {
    allFinished = resolve;
  });
  const counting: Telemetry = {
    ...silentTelemetry,
    count: (name) => {
      if (name !== "finished") return;
      finished += 1;
      if (finished === 1) started = performance.now();
      if (finished === jobs) allFinished();
    },
  };
  const worker = startProviderWorker(
    { ...fleet, telemetry: counting },
    {
      providers: ["anthropic"],
      connections: new Map([["anthropic", instantConnection]]),
      onError: (error) => {
        throw error;
      },
    },
  );
  await done;
  const seconds = (performance.now() - started) / 1000;
  await worker.drain(0);
  const [row] = await fleet.ledger.sql<{ n: number }[]>`
    select count(*)::int as n from requests where id = any(${ids}::uuid[]) and state = 'succeeded'`;
  if (row?.n !== jobs) throw new Error(`of ${jobs} requests ${row?.n} succeeded`);
  return jobs / seconds;
}
