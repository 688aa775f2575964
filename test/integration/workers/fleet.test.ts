import { describe, expect, test } from "vitest";
import { requestById } from "../../../src/ledger/requests.ts";
import { eventually } from "../../support/eventually.ts";
import { neverOpens, openTestFleet } from "../../support/fleet.ts";
import { answer, failure, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, callsOf, type Errors, ended, handIn, prompts, startWork, states } from "../../support/work.ts";

const services = useServices();

describe("a fleet", () => {
  test("answers every request of three lanes, each with one call and its own answer", async () => {
    const fleet = await openTestFleet(services);
    const providers = { anthropic: testProvider(), openai: testProvider(), gemini: testProvider() };
    const errors: Errors = [];
    await startWork(fleet, providers, errors);
    const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-3.8-flash"];
    const ids = await Promise.all(models.map((model) => handIn(fleet, prompts(100, model), { model })));
    expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
    for (const [at, provider] of Object.values(providers).entries()) {
      expect(provider.calls.map((call) => call.requestId).sort()).toEqual([...(ids[at] ?? [])].sort());
      for (const [line, id] of (ids[at] ?? []).entries()) {
        expect((await requestById(fleet.ledger, id))?.result?.text).toBe(`${models[at]} ${line + 1}`);
      }
    }
    const [row] = await fleet.ledger.sql<{ calls: number; priced: number }[]>`
      select count(*)::int as calls, count(cost_nano_usd)::int as priced from attempts where outcome = 'succeeded'`;
    expect(row).toEqual({ calls: 300, priced: 300 });
    expect(errors).toEqual([]);
  });

  test("takes requests handed in before it started, and while it runs, in every class", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider();
    for (const priority of ["interactive", "standard", "bulk"] as const) await handIn(fleet, prompts(20), { priority });
    await startWork(fleet, { anthropic });
    for (const priority of ["interactive", "standard", "bulk"] as const) await handIn(fleet, prompts(20), { priority });
    expect(await allEnded(fleet)).toEqual({ succeeded: 120 });
    expect(anthropic.calls).toHaveLength(120);
  });

  test("keeps prompts, answers and keys out of Redis, before, while and after they run", async () => {
    const fleet = await openTestFleet(services, { settings: { circuit: neverOpens } });
    const planted = ["planted-prompt-7261", "planted-system-1187", "planted-answer-9043"] as const;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const anthropic = testProvider(async (call, io) => {
      io.onDelta({ type: "text", text: planted[2] });
      await released;
      return call.nth === 1 ? failure("server") : answer(planted[2]);
    });
    const everything = async () => {
      const all: string[] = [];
      for (const key of await redis.keys("*")) {
        all.push(key);
        const type = await redis.type(key);
        if (type === "hash") all.push(JSON.stringify(await redis.hgetall(key)));
        if (type === "string") all.push(String(await redis.get(key)));
        if (type === "stream") all.push(JSON.stringify(await redis.xrange(key, "-", "+")));
        if (type === "list") all.push(JSON.stringify(await redis.lrange(key, 0, "-1")));
        if (type === "zset") all.push(JSON.stringify(await redis.zrange(key, 0, "-1")));
        if (type === "set") all.push(JSON.stringify(await redis.smembers(key)));
      }
      return all.join("\n");
    };
    const redis = await services.redis();
    for (const priority of ["interactive", "bulk"] as const) {
      await handIn(fleet, prompts(10, planted[0]), { priority, stream: priority === "bulk" });
    }
    const looks = [await everything()];
    await startWork(fleet, { anthropic });
    await eventually("calls are under way", () => anthropic.underWay() > 5);
    looks.push(await everything());
    release();
    expect(await allEnded(fleet)).toEqual({ succeeded: 20 });
    looks.push(await everything());
    for (const look of looks) {
      for (const word of [...planted, "key-a", "key-o", "key-g"]) expect(look).not.toContain(word);
    }
    expect(looks[1]).toContain("claude-haiku-4-5");
  });

  test("holds about two seconds of work in a lane, not the backlog", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return answer(call.prompt);
    });
    for (let n = 0; n < 5; n += 1) await handIn(fleet, prompts(1_000), { priority: "bulk" });
    await startWork(fleet, { anthropic });
    let deepest = 0;
    await eventually("a thousand are done", async () => {
      deepest = Math.max(deepest, (await fleet.lanes.depth("anthropic.haiku", "main")).waiting);
      return ((await states(fleet)).succeeded ?? 0) >= 1_000;
    });
    // Fifty slots of 100 ms drain 500 a second.
    expect(deepest).toBeGreaterThanOrEqual(200);
    expect(deepest).toBeLessThan(1_500);
  });
});

describe("what fails", () => {
  test("is retried after a server error, and told how often it was tried", async () => {
    const fleet = await openTestFleet(services, { settings: { attempts: { baseMs: 10, capMs: 20 } } });
    const anthropic = testProvider((call) => (call.nth < 3 ? failure("server", { status: 500 }) : answer(call.prompt)));
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"]);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 3, failure: undefined });
    expect((await callsOf(fleet, id)).map((call) => call.outcome)).toEqual(["failed", "failed", "succeeded"]);
  });

  test("waits as long as the provider says when its limit is reached, and that costs no attempt", async () => {
    const fleet = await openTestFleet(services, { settings: { attempts: { perDeployment: 1, total: 1, baseMs: 5 } } });
    const anthropic = testProvider((call) =>
      call.nth <= 4 ? failure("rate", { retryAfterMs: 80, status: 429 }) : answer(call.prompt),
    );
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"]);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    const starts = anthropic.calls.map((call) => call.startedAt);
    expect(starts).toHaveLength(5);
    for (const [at, start] of starts.slice(1).entries()) expect(start - (starts[at] ?? 0)).toBeGreaterThanOrEqual(79);
  });

  test("falls back to the next provider, and the result says who answered and why the others did not", async () => {
    const fleet = await openTestFleet(services, {
      settings: { attempts: { perDeployment: 2, total: 6, baseMs: 5, capMs: 10 } },
      environment: { FALLBACK_CHAIN: "openai,gemini" },
    });
    const providers = {
      anthropic: testProvider(() => failure("server", { message: "internal error" })),
      openai: testProvider(() => failure("auth", { message: "invalid key" })),
      gemini: testProvider(),
    };
    await startWork(fleet, providers);
    const [id = ""] = await handIn(fleet, ["hello"]);
    const end = await ended(fleet, id);
    expect(end).toMatchObject({ state: "succeeded", attempts: 4, deployment: "gemini/gemini-3.8-flash" });
    expect(end.result).toMatchObject({
      provider: "gemini",
      passedOver: [
        { deployment: "anthropic/claude-haiku-4-5", kind: "server", message: "internal error" },
        { deployment: "openai/gpt-5-mini", kind: "auth", message: "invalid key" },
      ],
    });
    expect(Object.values(providers).map((provider) => provider.calls.length)).toEqual([2, 1, 1]);
  });

  test("ends as failed, with the provider's words, when every attempt is spent: never one call more", async () => {
    const fleet = await openTestFleet(services, {
      settings: { attempts: { perDeployment: 3, total: 4, baseMs: 2, capMs: 4 }, circuit: neverOpens },
      environment: { FALLBACK_CHAIN: "openai" },
    });
    const providers = {
      anthropic: testProvider(() => failure("server")),
      openai: testProvider(() => failure("capacity")),
    };
    await startWork(fleet, providers);
    const ids = await handIn(fleet, prompts(20));
    expect(await allEnded(fleet)).toEqual({ failed: 20 });
    expect(Object.values(providers).map((provider) => provider.calls.length)).toEqual([60, 20]);
    expect(await ended(fleet, ids[0] ?? "")).toMatchObject({
      attempts: 4,
      failure: { kind: "capacity", message: "a capacity failure" },
    });
  });

  test("fails at once when the request itself is wrong, and is not tried elsewhere", async () => {
    const fleet = await openTestFleet(services, { environment: { FALLBACK_CHAIN: "openai" } });
    const providers = { anthropic: testProvider(() => failure("client", { status: 400 })), openai: testProvider() };
    await startWork(fleet, providers);
    const [id = ""] = await handIn(fleet, ["hello"]);
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", attempts: 1, failure: { kind: "client" } });
    expect(providers.openai.calls).toEqual([]);
  });

  test("passes over a message that Postgres would not take, beside hundreds that are fine", async () => {
    const fleet = await openTestFleet(services, { settings: { attempts: { perDeployment: 1, total: 2, baseMs: 1 } } });
    const anthropic = testProvider((call) =>
      call.prompt.endsWith("7") ? failure("server", { message: "half \ud83d and nul \u0000" }) : answer("\u0000\ud83d"),
    );
    const errors: Errors = [];
    await startWork(fleet, { anthropic }, errors);
    await handIn(fleet, prompts(200));
    expect(await allEnded(fleet)).toEqual({ succeeded: 180, failed: 20 });
    expect(errors).toEqual([]);
  });
});
