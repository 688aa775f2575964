/** The whole fleet on every kind of Redis that REDIS_URL can name: with TLS, behind sentinels, on a cluster. */
import { describe, expect, test } from "vitest";
import { openCircuits } from "../../../src/admission/circuits.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, testProvider } from "../../support/provider.ts";
import { asking, startCluster, startRedisServer } from "../../support/redis-servers.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, handIn, prompts, startWork, states } from "../../support/work.ts";

const services = useServices();
const certificates = makeCertificates("redis.test");
const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-3.8-flash"];

/** A batch and some interactive requests for each of three providers. */
async function runThrough(redisUrl: string) {
  const fleet = await openTestFleet(services, { environment: { REDIS_URL: redisUrl } });
  const providers = { anthropic: testProvider(), openai: testProvider(), gemini: testProvider() };
  await startWork(fleet, providers);
  for (const model of models) {
    await handIn(fleet, prompts(40, model), { model, priority: "bulk", stream: true });
    await handIn(fleet, prompts(5, model), { model, priority: "interactive" });
  }
  expect(await allEnded(fleet)).toEqual({ succeeded: 135 });
  for (const provider of Object.values(providers)) expect(provider.calls).toHaveLength(45);
  expect((await fleet.lanes.workers()).get("anthropic.haiku")).toBe(1);
  return fleet;
}

describe("a Redis with TLS", () => {
  const startSecure = async (skip: (reason: string) => never) => {
    if (certificates === undefined) return skip("there is no openssl to make certificates with");
    const { ca, cert, key } = certificates;
    const files = [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${ca}`, "tls-auth-clients no"];
    const server = await startRedisServer([
      "tls-port {port}",
      ...files,
      "user millrace on >p@ss/word ~* &* +@all",
      "user default off",
    ]);
    if (server.exitCode() !== undefined) return skip(`this Redis has no TLS: ${server.words().split("\n").at(-2)}`);
    return { certificates, at: `rediss://millrace:p%40ss%2Fword@127.0.0.1:${server.port}/0` };
  };

  test("carries the fleet's work, with user, password and an authority of one's own", async ({ skip }) => {
    const { certificates, at } = await startSecure(skip);
    await runThrough(`${at}?tls_ca=${certificates.ca}&tls_servername=redis.test`);
  });

  test("is refused, in words that say what to do, when its certificate or the login is not right", async ({ skip }) => {
    const { certificates, at } = await startSecure(skip);
    const opened = (redisUrl: string) => openTestFleet(services, { environment: { REDIS_URL: redisUrl } });
    const servername = "&tls_servername=redis.test";
    await expect(opened(`${at}?tls_ca=${certificates.strangerCa}${servername}`)).rejects.toThrow(/not trusted.*tls_ca/);
    await expect(opened(`${at}?tls_ca=${certificates.ca}`)).rejects.toThrow(/ALTNAME.*tls_servername/);
    await expect(opened(`${at}?tls_ca=/not/there.pem`)).rejects.toThrow(
      /\/not\/there\.pem, which cannot be read \(ENOENT\)/,
    );
    const guessed = `${at.replace("p%40ss", "guess")}?tls_ca=${certificates.ca}${servername}`;
    await expect(opened(guessed)).rejects.toThrow(/^(?!.*guess).*refuses the login/);
  });
});

describe("a Redis behind sentinels", () => {
  test("is followed to its new master when the old one dies, and nothing is lost", async () => {
    const login = ["requirepass secret", "masterauth secret"];
    const master = await startRedisServer(login);
    const replica = await startRedisServer([...login, `replicaof 127.0.0.1 ${master.port}`]);
    const sentinel = await startRedisServer(
      [
        `sentinel monitor mill 127.0.0.1 ${master.port} 1`,
        "sentinel auth-pass mill secret",
        "sentinel down-after-milliseconds mill 500",
        "sentinel failover-timeout mill 3000",
        "requirepass watcher",
      ],
      "--sentinel",
    );
    const watching = asking(sentinel.port, "watcher");
    await eventually("the sentinel knows the replica, and the replica follows", async () => {
      const known = (await watching.call("SENTINEL", "REPLICAS", "mill")) as unknown[];
      const info = await asking(replica.port, "secret").info("replication");
      return known.length === 1 && info.includes("master_link_status:up");
    });

    const url = `redis+sentinel://:secret@127.0.0.1:${sentinel.port}/mill?sentinel_password=watcher`;
    const fleet = await openTestFleet(services, { environment: { REDIS_URL: url } });
    const anthropic = testProvider(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return answer(call.prompt);
    });
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(2_000), { priority: "bulk" });
    await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) > 100);
    await master.kill();
    expect((await states(fleet)).succeeded ?? 0).toBeLessThan(2_000);
    await handIn(fleet, prompts(20), { priority: "interactive" });
    expect(await allEnded(fleet, 50_000)).toEqual({ succeeded: 2_020 });
    expect(await asking(replica.port, "secret").info("replication")).toContain("role:master");
    const [row] = await fleet.ledger.sql<{ twice: number }[]>`
      select count(*)::int as twice from (
        select 1 from attempts where outcome = 'succeeded' group by request_id having count(*) > 1) as again`;
    expect(row).toEqual({ twice: 0 });
  });
});

describe("a cluster of Redis", () => {
  test("carries the fleet's work, its lanes and gates spread over the masters", async () => {
    const nodes = await startCluster(3, "secret");
    const at = nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const fleet = await runThrough(`redis+cluster://:secret@${at}`);
    const keys = await Promise.all(nodes.map(({ port }) => asking(port, "secret").keys("*")));
    expect(keys.filter((names) => names.some((name) => /:pool:|:circuit:/.test(name))).length).toBeGreaterThan(1);
    expect(keys.flat().length).toBeGreaterThan(20);
    const wrong = openTestFleet(services, { environment: { REDIS_URL: `redis+cluster://:guess@${at}` } });
    await expect(wrong).rejects.toThrow(/^(?!.*guess).*refuses the login/);

    const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
    const changes = [];
    for (const provider of ["anthropic", "openai", "gemini"]) {
      await circuits.isolate(`${provider}/a-model-of-no-list`, "a test");
      changes.push(...(await circuits.reset(provider)));
    }
    circuits.close();
    expect(changes.map(({ deployment }) => deployment)).toEqual(
      ["anthropic", "openai", "gemini"].map((provider) => `${provider}/a-model-of-no-list`),
    );
  });
});
