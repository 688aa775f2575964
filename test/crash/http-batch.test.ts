/** The API killed with -9 at any moment of a batch: it is whole in the end, and nothing is left behind. */
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CliProcess } from "../support/cli.ts";
import { type CrashScene, freePort, openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { openForm } from "../support/form.ts";
import { createBatch, inStatus, linesOf, openaiClient, upload } from "../support/openai-batch.ts";
import { useServices } from "../support/services.ts";

const services = useServices();
const count = 3_000;
const line = (at: number): string =>
  JSON.stringify({
    custom_id: `line-${at}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "claude-haiku-4-5", messages: [{ role: "user", content: `Number ${at}` }], max_tokens: 5 },
  });
const lines = Array.from({ length: count }, (_unused, at) => line(at));

const killed = async (process: CliProcess): Promise<void> => {
  process.kill("SIGKILL");
  await process.ended;
};

interface Stage {
  readonly state: string;
  readonly in_hand: boolean;
  readonly checked: boolean;
  readonly finalizing: boolean;
  readonly settled: boolean;
  readonly lines: number;
  readonly done: number;
}

/** How far the only batch is, as the ledger says. */
async function stageOf({ fleet }: CrashScene): Promise<Stage | undefined> {
  const [row] = await fleet.ledger.sql<Stage[]>`
    select b.state, h.lease_token is not null as in_hand, h.checked_lines is not null as checked,
      h.finalizing_at is not null as finalizing, h.settled_at is not null as settled,
      (select count(*)::int from batch_lines) as lines,
      (select count(*)::int from requests where state = 'succeeded') as done
    from batches b join hosted_batches h on h.batch_id = b.id`;
  return row;
}

test("a batch completes though its API is killed while it is judged, taken in, run and written", async () => {
  const scene = await openScene(services, { worker: { slotsPerLane: 100, leaseMs: 2_000 } });
  const port = await freePort();
  const client = openaiClient({ url: `http://127.0.0.1:${port}` });
  let api = await scene.serve(port);
  const input = await upload(client, lines);
  const { id } = await createBatch(client, [], { input_file_id: input });
  const crashWhen = async (what: string, isNow: (stage: Stage) => boolean) => {
    await eventually(what, async () => {
      const stage = await stageOf(scene);
      if (stage?.settled === true) throw new Error(`it was settled before: ${what}`);
      return stage !== undefined && isNow(stage);
    });
    await killed(api);
    api = await scene.serve(port);
  };
  await crashWhen("it is judged", ({ in_hand, checked }) => in_hand && !checked);
  await crashWhen(
    "its lines come in",
    ({ state, lines: known }) => state === "accepting" && known > 0 && known < count,
  );
  await scene.worker("all");
  await crashWhen("it runs", ({ done }) => done > 0 && done < count);
  await crashWhen("its answers are written", ({ finalizing, settled }) => finalizing && !settled);

  const done = await inStatus(client, id, "completed");
  expect(done.request_counts).toEqual({ total: count, completed: count, failed: 0 });
  const answers = await linesOf(client, done.output_file_id);
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(lines.map((_line, at) => `line-${at}`));
  expect(scene.simulator.summary().byCorrelation.distinct).toBe(count);
});

test("an API that is killed during an upload leaves no file, and what it left on the disk is swept", async () => {
  const scene = await openScene(services);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = join(scene.fleet.config.home, "files");
  const onDisk = () => readdirSync(folder);
  const first = await scene.serve(port);
  const kept = await upload(openaiClient({ url }), lines.slice(0, 10));
  const sending = openForm(url);
  await sending.write('--b\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n');
  await sending.write(`${lines.join("\n")}\n`);
  await eventually("half of it is there", () => onDisk().some((name) => name.endsWith(".part")));
  await killed(first);
  for (const name of onDisk()) utimesSync(join(folder, name), 0, 0);
  await scene.serve(port);
  await eventually("it is swept", () => onDisk().length === 1);
  const client = openaiClient({ url });
  expect((await client.files.list()).data.map(({ id }) => id)).toEqual([kept]);
  expect(await (await client.files.content(kept)).text()).toContain("line-9");
});
