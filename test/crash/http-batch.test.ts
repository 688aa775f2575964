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

/**
 * Points that a batch does not pass by itself: who comes to one waits there until it is opened, so that what goes before
 * lasts until it is seen. A gate is a row; a trigger has no event to wait for, so it looks until the row is gone.
 */
async function openGates({ fleet: { ledger } }: CrashScene) {
  const { sql } = ledger;
  await sql`create table gates (name text primary key)`;
  await sql`
    create function wait_at_gate() returns trigger language plpgsql as $$
    begin
      while exists (select 1 from gates where name = tg_argv[0]) loop perform pg_sleep(0.01); end loop;
      return new;
    end $$`;
  return {
    /** `before`: of a row, in words of a trigger. */
    async close(name: string, before: string): Promise<void> {
      await sql`insert into gates values (${name})`;
      await sql.unsafe(`create trigger ${name} before ${before} execute function wait_at_gate('${name}')`);
    },
    reached: (name: string) =>
      eventually(`it is at ${name}`, async () => {
        const waiting = await sql`
          select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
        return waiting.length > 0;
      }),
    /** What waits there on a connection whose process was killed dies with it, as it would before long. */
    async clear(): Promise<void> {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event = 'PgSleep'`;
    },
    async open(name: string): Promise<void> {
      await sql`delete from gates where name = ${name}`;
    },
  };
}

/** How far the only batch is, as the ledger says. */
async function stageOf({ fleet }: CrashScene) {
  const [row] = await fleet.ledger.sql`
    select b.state, h.lease_token is not null as in_hand, h.checked_lines is not null as checked,
      h.finalizing_at is not null as finalizing, h.settled_at is not null as settled,
      (select count(*)::int from batch_lines) as lines,
      (select count(*)::int from requests where state = 'succeeded') as done
    from batches b join hosted_batches h on h.batch_id = b.id`;
  return row;
}

test("a batch completes though its API is killed while it is judged, taken in, run and written", async () => {
  const scene = await openScene(services, { worker: { slotsPerLane: 100, leaseMs: 2_000 } });
  const { sql } = scene.fleet.ledger;
  const port = await freePort();
  const client = openaiClient({ url: `http://127.0.0.1:${port}` });
  let api = await scene.serve(port);
  const gates = await openGates(scene);
  await gates.close(
    "judged",
    "update on hosted_batches for each row when (old.checked_lines is null and new.checked_lines is not null)",
  );
  await gates.close("taken", `insert on batch_lines for each row when (new.line_no > ${count / 3})`);
  await gates.close(
    "written",
    "update on hosted_batches for each row when (old.settled_at is null and new.settled_at is not null)",
  );
  const input = await upload(client, lines);
  const { id } = await createBatch(client, [], { input_file_id: input });
  const between = { asymmetricMatch: (value: unknown) => typeof value === "number" && value > 0 && value < count };
  /** `apart`: it is not the API that waits at the gate. */
  const crashAt = async (gate: string, stage: object, apart = false) => {
    await gates.reached(gate);
    expect(await stageOf(scene)).toMatchObject(stage);
    await killed(api);
    if (!apart) await gates.clear();
    await gates.open(gate);
    api = await scene.serve(port);
  };

  await crashAt("judged", { state: "accepting", in_hand: true, checked: false });
  await crashAt("taken", { state: "accepting", checked: true, lines: between });
  await eventually("all lines are in", async () => (await stageOf(scene))?.["state"] === "running");
  const [middle] = await sql`select request_id from batch_lines where line_no = ${count / 3}`;
  await gates.close(
    "run",
    `update on requests for each row when (new.state = 'succeeded' and new.id > '${middle?.["request_id"]}')`,
  );
  await scene.worker("all");
  await crashAt("run", { state: "running", done: between }, true);
  await crashAt("written", { state: "completed", finalizing: true, settled: false });

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
