/**
 * Canaries in the place of every secret, and then a look at everything that comes out: words on both streams, HTTP, the
 * board, metrics, traces, Redis, Postgres, arguments of processes. A fleet that works, and one where everything is refused.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { startOtlpCollector } from "../../support/otlp-collector.ts";
import { asking, startRedisServer } from "../../support/redis-servers.ts";
import { useServices } from "../../support/services.ts";

const services = useServices({ ownServers: true });

/** Each with a word of its own, and marks that must be encoded in a URL. */
const secrets = {
  anthropic: "sim-canaryAnthropic77",
  /** Refused, and the refusal shows its tail. */
  openai: "sk-proj-canaryOpenai88zyxw",
  gemini: "sim-AIzacanaryGemini99",
  redis: "canaryRedis11@/#1",
  postgres: "canaryPostgres22@/#2",
  bearer: "canaryBearer33",
  collector: "canaryCollector44",
};
const canary = /canary(Anthropic77|Openai88|Gemini99|Redis11|Postgres22|Bearer33|Collector44)|zyxw/i;

/** What was said where; a leak is named by its place. */
function openRecord() {
  const said: { readonly place: string; readonly text: string }[] = [];
  return {
    add: (place: string, text: string) => void said.push({ place, text }),
    leaks: () =>
      said
        .filter(({ text }) => canary.test(text))
        .map(({ place, text }) => `${place}: ${canary.exec(text)?.[0]} in ${text.slice(0, 2_000)}`),
    textOf: (place: string) =>
      said
        .filter((one) => one.place.startsWith(place))
        .map(({ text }) => text)
        .join("\n"),
  };
}

async function openScene() {
  const simulator = await startSimulator({
    outputTokens: { p50: 5, p99: 10 },
    keys: { accepted: ["sim-", "sk-"], refused: ["sk-proj"] },
  });
  onTestFinished(() => simulator.close());
  const redis = await startRedisServer([`requirepass "${secrets.redis}"`]);
  const owner = await services.bareDatabase();
  const sql = postgres(owner, { max: 2, onnotice: () => {} });
  await sql.unsafe(`create role canary superuser login password '${secrets.postgres}'`);
  onTestFinished(async () => {
    await sql`reassign owned by canary to current_user`;
    await sql`drop role canary`;
    await sql.end();
  });
  const database = new URL(owner);
  database.username = "canary";
  database.password = encodeURIComponent(secrets.postgres);
  const environment = {
    ...simulated(simulator),
    ANTHROPIC_API_KEY: secrets.anthropic,
    OPENAI_API_KEY: secrets.openai,
    GOOGLE_API_KEY: secrets.gemini,
    REDIS_URL: `redis://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${redis.port}/0`,
    DATABASE_URL: database.href,
    MILLRACE_LOG: "debug",
  };
  return { redis, sql, environment, cwd: workFolder() };
}

/** Names and arguments of every process that can be seen; empty beyond Linux. */
const processArguments = (): string =>
  process.platform !== "linux"
    ? ""
    : readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
          } catch {
            return "";
          }
        })
        .join("\n");

describe("no secret comes out", () => {
  test("of a fleet at work: not in words, answers, the board, metrics, traces, Redis, Postgres, arguments", async () => {
    const { redis, sql, environment, cwd } = await openScene();
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.close());
    const record = openRecord();
    const port = await freePort(undefined);
    const watched = {
      ...environment,
      MILLRACE_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${secrets.collector}`,
      OTEL_LOG_LEVEL: "debug",
    };
    const up = startCli(["up"], { cwd, environment: watched });
    await up.said(/Millrace is up/);
    const url = `http://127.0.0.1:${port}`;
    const headers = { authorization: `Bearer ${secrets.bearer}`, "content-type": "application/json" };
    const ask = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(`${url}${path}`, { ...init, headers });
      const text = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
      record.add(`http ${path.split("?")[0]}`, text);
      return text;
    };

    const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-3.8-flash"];
    const ids: string[] = [];
    for (const model of models) {
      const body = JSON.stringify({ model, prompt: "Say hello", stream: true });
      const text = await ask("/v1/requests?wait_ms=3000", { method: "POST", body });
      ids.push(/"id":"([^"]+)"/.exec(text)?.[1] ?? "");
    }
    await eventually("calls were made and one key was refused", async () => {
      const [row] =
        await sql`select count(distinct provider)::int as providers, count(*) filter (where failure_kind = 'auth')::int as refused from attempts`;
      return row?.["providers"] === 3 && row["refused"] > 0;
    });
    for (const path of [
      "/healthz",
      "/readyz",
      "/metrics",
      "/board/api/queues?activeQueue=openai.gpt-5-mini&status=latest",
      "/none",
    ])
      await ask(path);
    for (const id of ids) await ask(`/v1/requests/${id}`);
    await ask(`/v1/nothing?api_key=${secrets.bearer}`);
    await ask("/v1/requests", { method: "POST", body: `{"prompt": ` });
    record.add("arguments", processArguments());

    const commands = [
      ["provider", "health", "--verbose", "--json"],
      ["provider", "logs", "--failed"],
      ["provider", "circuit", "status", "--json"],
      ["provider", "test", "openai"],
      ["request", "show", ids[0] ?? ""],
    ];
    for (const args of commands) {
      const { stdout, stderr } = await runCli(args, { cwd, environment });
      record.add(`command ${args.join(" ")}`, `${stdout}\n${stderr}`);
    }

    const asked = asking(redis.port, secrets.redis);
    for (const key of await asked.keys("*")) record.add(`redis ${key}`, String(await asked.dump(key)));
    const tables = await sql`select tablename as name from pg_tables where schemaname = 'public'`;
    for (const { name } of tables) {
      record.add(`postgres ${name}`, JSON.stringify(await sql.unsafe(`select t::text from "${name}" t`)));
    }
    record.add("postgres sessions", JSON.stringify(await sql`select application_name, query from pg_stat_activity`));

    // Both services die under it: what it says of that, and of its end.
    await redis.kill();
    await up.said(/does not answer/);
    await ask("/readyz");
    up.kill("SIGTERM");
    const { stdout, stderr } = await up.ended;
    record.add("up", `${stdout}\n${stderr}`);
    for (const { path, body } of collector.received) record.add(`otlp ${path}`, body.toString("utf8"));

    expect(record.leaks()).toEqual([]);
    // What was looked at is not empty.
    expect(record.textOf("otlp")).toContain("chat gpt-5-mini");
    expect(record.textOf("http /metrics")).toContain("millrace_attempts_total");
    expect(record.textOf("http /board")).toContain("openai.gpt-5");
    expect(record.textOf("command provider logs --failed")).toMatch(/auth/);
    expect(record.textOf("postgres attempts")).toContain("auth");
    expect(record.textOf("arguments")).toMatch(process.platform === "linux" ? /redis-server/ : /^$/);
  }, 300_000);

  test("of processes that cannot start: wrong logins, addresses that cannot be read, a base URL with a login", async () => {
    const { redis, environment, cwd } = await openScene();
    const record = openRecord();
    const guessed = environment.DATABASE_URL.replace("canary:", "nobody:");
    const wrong: Readonly<Record<string, Record<string, string>>> = {
      "the login of Redis": { REDIS_URL: `redis://canary:canaryRedis11@127.0.0.1:${redis.port}` },
      "a password that is not encoded": { REDIS_URL: `redis://:${secrets.redis}@127.0.0.1:${redis.port}` },
      "another database": { DATABASE_URL: `mysql://canary:canaryPostgres22@127.0.0.1/x` },
      "the login of Postgres": { DATABASE_URL: guessed },
      "a password for Postgres that is not encoded": {
        DATABASE_URL: `postgres://canary:${secrets.postgres}@127.0.0.1/x`,
      },
      "a Postgres that is away": { DATABASE_URL: environment.DATABASE_URL.replace(/:\d+\//, ":1/") },
      "a Postgres without TLS": { DATABASE_URL: `${environment.DATABASE_URL}?sslmode=require` },
      "a base URL with a login": { OPENAI_BASE_URL: "http://me:canaryBearer33@127.0.0.1:9/v1" },
    };
    for (const [what, change] of Object.entries(wrong)) {
      const { code, stdout, stderr } = await runCli(["provider", "logs"], {
        cwd,
        environment: { ...environment, ...change },
      });
      record.add(what, `${stdout}\n${stderr}`);
      expect(stderr, what).not.toBe("");
      expect([1, 64], what).toContain(code);
    }
    expect(record.leaks()).toEqual([]);
    expect(record.textOf("a base URL")).toMatch(/OPENAI_BASE_URL.*take it out/);
    expect(record.textOf("a password that")).toMatch(/percent-encoded/);
  }, 300_000);

  test("of the embedded services: their passwords are in no arguments", async () => {
    const [database, redis] = [new URL(await services.emptyDatabase()), new URL(await services.emptyRedis())];
    const seen = processArguments();
    for (const { password } of [database, redis]) {
      expect(password.length).toBeGreaterThan(20);
      expect(seen).not.toContain(password);
    }
    if (process.platform === "linux") expect(seen).toContain(join(".millrace", "postgres"));
  });
});
