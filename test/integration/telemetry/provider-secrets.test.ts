/** Every part of every provider's credential is planted, and each provider says all of it back in its errors. */
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { callOperation } from "../../../src/attempt/operation.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { connectTo } from "../../../src/fleet/connect.ts";
import { openFleet } from "../../../src/fleet/fleet.ts";
import { providers } from "../../../src/provider/registry.ts";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { startOtlpCollector } from "../../support/otlp-collector.ts";
import { bodyFor, canary, plantedEnvironment, startEchoServer } from "../../support/planted.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const all = Object.values(providers);
/** A model that its provider speaks another wire with, whose errors are read by other code. */
const ofOtherWire: Readonly<Record<string, string>> = { openai: "gpt-5-pro", vertex: "claude-haiku-4-5" };

async function plant() {
  const cwd = workFolder();
  const echo = await startEchoServer();
  const planted = plantedEnvironment(all, echo.url, cwd);
  return { echo, cwd, planted };
}

describe("no part of a credential", () => {
  test("is in what an adapter says of an error that quotes it, whatever the status, whole and streamed", async () => {
    const { echo, cwd, planted } = await plant();
    const config = loadConfig(all, cwd, planted);
    expect(Object.values(planted).filter((value) => canary.test(value)).length).toBeGreaterThan(all.length / 2);
    const io = () => ({ signal: AbortSignal.timeout(10_000), onDelta: () => {}, onActivity: () => {} });
    for (const { id, operations } of all) {
      const connection = connectTo(config, id);
      if (connection === undefined) throw new Error(`${id} has no credential`);
      const before = echo.requests.length;
      for (const status of [200, 400, 401, 403, 404, 429, 500]) {
        echo.status = status;
        // A probe may be content with an answer that only shows who asked.
        const probed = await connection.probe(io());
        expect(JSON.stringify(probed), `${id}, ${status}`).not.toMatch(canary);
        for (const operation of operations) {
          for (const model of ["some-model", ...(operation === "chat" ? [ofOtherWire[id] ?? []].flat() : [])]) {
            for (const stream of [false, true]) {
              const input = { model, stream, defaultMaxOutputTokens: 16 };
              const outcome = await callOperation(connection, bodyFor(operation, model), input, io());
              expect(outcome, `${id}, ${status}, ${model}`).toMatchObject({ ok: false });
              expect(JSON.stringify(outcome), `${id}, ${status}, ${model}`).not.toMatch(canary);
            }
          }
        }
      }
      expect(echo.requests.length, `${id} asked`).toBeGreaterThan(before);
    }
  });

  test("comes out of a fleet at work: not in the log, traces, rows, the board, metrics, Redis, commands", async () => {
    const { echo, cwd, planted } = await plant();
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.close());
    const port = await freePort(undefined);
    const environment = {
      ...planted,
      REDIS_URL: await services.emptyRedis(),
      DATABASE_URL: await services.emptyDatabase(),
      MILLRACE_LOG: "debug",
      MILLRACE_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    };
    const up = startCli(["up"], { cwd, environment });
    await up.said(/Millrace is up/);
    const fleet = await openFleet({ directory: cwd, environment });
    onTestFinished(() => fleet.close());
    const said: Record<string, string> = {};

    const orders = all.map(({ id, operations: [operation = "chat"] }) => ({
      body: bodyFor(operation, `${id}/some-model`),
      tenant: "t",
      priority: "interactive" as const,
    }));
    for (const entry of await fleet.intake.accept(orders)) expect(entry).toMatchObject({ ok: true });
    const sql = postgres(environment.DATABASE_URL, { max: 1, onnotice: () => {} });
    onTestFinished(() => sql.end());
    await eventually("every provider has refused its key", async () => {
      const [row] = await sql`select count(distinct provider)::int as n from attempts where outcome = 'failed'`;
      return row?.["n"] === all.length;
    });

    const lanes = [...fleet.config.catalog.pools.keys()];
    const board = lanes.slice(0, 1).map((lane) => `board/api/queues?activeQueue=${lane}&status=latest`);
    for (const path of ["metrics", "readyz", ...board]) {
      said[path] = await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
    }
    const commands = [
      ["provider", "health", "--verbose"],
      ["provider", "health", "--json"],
      ["provider", "logs", "-n", "100", "--failed"],
      ["provider", "circuit", "status"],
    ];
    for (const args of commands) {
      const { stdout, stderr } = await runCli(args, { cwd, environment });
      said[args.join(" ")] = stdout + stderr;
    }
    const redis = await services.redis();
    for (const key of await redis.keys("*")) said[`redis ${key}`] = String(await redis.dump(key));
    const tables = await sql`select tablename as name from pg_tables where schemaname = 'public'`;
    for (const { name } of tables) {
      said[`postgres ${name}`] = JSON.stringify(await sql.unsafe(`select t::text from "${name}" t`));
    }
    up.kill("SIGTERM");
    const { stdout, stderr } = await up.ended;
    said["up"] = stdout + stderr;
    said["traces"] = collector.received.map(({ body }) => body.toString("utf8")).join("\n");

    expect(
      Object.entries(said).flatMap(([place, text]) =>
        canary.test(text) ? [`${place}: ${canary.exec(text)?.[0]}`] : [],
      ),
    ).toEqual([]);
    // What was looked at is not empty, and each provider has a part in it.
    for (const { id } of all) {
      expect(said["provider logs -n 100 --failed"], id).toContain(id);
      expect(said["postgres attempts"], id).toContain(id);
    }
    expect(said["provider logs -n 100 --failed"]).toContain("[key]");
    expect(said["traces"]).toContain("some-model");
    expect(echo.requests.length).toBeGreaterThanOrEqual(all.length);
  }, 300_000);
});
