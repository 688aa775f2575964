/** `provider health` against addresses where something is wrong, each in its own way. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLimitObserver } from "../../../src/ledger/rate-limits.ts";
import { providers } from "../../../src/provider/registry.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const certificates = makeCertificates();

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  return address.port;
}

async function place() {
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };
  const cwd = workFolder();
  const health = (change: Readonly<Record<string, string>>, ...args: string[]) =>
    runCli(["provider", "health", ...args], { cwd, environment: { ...environment, ...change } });
  const openai = async (change: Readonly<Record<string, string>>) => {
    const { stdout } = await health(change, "--json");
    return JSON.parse(stdout).providers.find((one: { provider: string }) => one.provider === "openai");
  };
  return { health, openai };
}

describe("provider health", () => {
  it("tells a name that is not found, a port where nobody listens, and a missing TLS from a refused key", async () => {
    const { openai } = await place();
    const nobody = createServer();
    const closed = await listening(nobody);
    nobody.close();
    const plain = await listening(
      createServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 400\r\n\r\n"))),
    );

    const found = {
      dns: await openai({ OPENAI_BASE_URL: "http://millrace.invalid/v1" }),
      connect: await openai({ OPENAI_BASE_URL: `http://127.0.0.1:${closed}/v1` }),
      tls: await openai({ OPENAI_BASE_URL: `https://127.0.0.1:${plain}/v1` }),
      key: await openai({ OPENAI_API_KEY: "sim-invalid" }),
    };

    for (const [obstacle, provider] of Object.entries(found)) {
      expect(provider.answer, obstacle).toMatchObject({ ok: false, obstacle });
      expect([provider.key, provider.reached, provider.key_accepted], obstacle).toEqual(
        obstacle === "key" ? [true, true, false] : [true, false, null],
      );
    }
  });

  it.skipIf(certificates === undefined)("says TLS, too, where nobody it knows has signed the certificate", async () => {
    const { openai } = await place();
    const { cert = "", key = "" } = certificates ?? {};
    const strange = await listening(createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }));
    const { answer } = await openai({ OPENAI_BASE_URL: `https://localhost:${strange}/v1` });
    expect(answer).toMatchObject({ ok: false, obstacle: "tls" });
  });

  it("says that nobody answers where a connection stays silent", async () => {
    const { openai } = await place();
    const silent = await listening(createServer());
    const { answer, reached } = await openai({ OPENAI_BASE_URL: `http://127.0.0.1:${silent}/v1` });
    expect(answer).toMatchObject({ ok: false, obstacle: "answer", message: "none in 5 s" });
    expect(reached).toBe(false);
  });

  it("has a line for every provider there is, with models known by name or without, and what to set", async () => {
    const { health } = await place();
    const none = Object.fromEntries(
      Object.values(providers).flatMap(({ environment }) => environment.apiKey.map((name) => [name, ""])),
    );
    const { code, stdout } = await health(none);
    expect(code).toBe(1);
    for (const { id, environment } of Object.values(providers)) {
      expect(stdout).toMatch(new RegExp(`^${id} +set ${environment.apiKey[0]} `, "m"));
    }
  });

  it("says what is left of the scarcest limit, and all of them in JSON", async () => {
    const { health } = await place();
    const fleet = await openTestFleet(services);
    const pool = [...fleet.config.catalog.pools.values()].find((one) => one.provider === "openai");
    if (pool === undefined) throw new Error("openai has no pool");
    const observer = openLimitObserver(fleet.ledger, () => {});
    observer.observe(pool, {
      requests: { limit: 50, remaining: 49, resetMs: 3_600_000 },
      tokens: { limit: 1_000, remaining: 240, resetMs: 3_600_000 },
    });
    await observer.close();

    const text = await health({});
    const { providers: found } = JSON.parse((await health({}, "--json")).stdout);

    expect(text.stdout).toMatch(/^openai +yes +ok, .* 24 % of tokens /m);
    expect(text.stdout).toMatch(/^anthropic +yes +ok, \d+ m?s +closed +0 +- /m);
    expect(found.find((one: { provider: string }) => one.provider === "openai").headroom).toEqual([
      { lane: pool.id, dimension: "requests", share: 0.98 },
      { lane: pool.id, dimension: "tokens", share: 0.24 },
    ]);
  });
});
