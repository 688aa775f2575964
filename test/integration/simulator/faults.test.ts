import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FaultOrder } from "../../../src/simulator/faults.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Vendor, vendors } from "../../../src/simulator/vendor.ts";
import { call, errorOf, until, type Wish } from "./clients.ts";

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ outputTokens: { p50: 40, p99: 40 } });
});
afterEach(() => simulator.close());

async function meet(vendor: Vendor, fault: FaultOrder, wish: Wish = {}) {
  simulator.order(fault);
  const seen = await call(simulator, vendor, wish);
  const [record] = simulator.ledger().slice(-1);
  return { seen, record };
}
const each = vendors.map((vendor) => ({ vendor }));
const ways = vendors.flatMap((vendor) => [
  { vendor, stream: false, way: "whole" },
  { vendor, stream: true, way: "streamed" },
]);

describe.each(ways)("an ordered error from $vendor, $way", ({ vendor, stream }) => {
  test("rate-limit says how long to wait, in the vendor's way", async () => {
    const { seen, record } = await meet(vendor, { kind: "rate-limit", retryAfterS: 1.5 }, { stream });
    const error = errorOf(seen);
    expect(error.status).toBe(429);
    expect(record).toMatchObject({ status: 429, ended: "complete", fault: "rate-limit", streamed: stream });
    if (vendor === "anthropic") {
      expect(error.type).toBe("rate_limit_error");
      expect(error.header("retry-after")).toBe("2");
    }
    if (vendor === "openai") {
      expect(error.code).toBe("rate_limit_exceeded");
      expect([error.header("retry-after-ms"), error.header("retry-after")]).toEqual(["1500", "2"]);
      expect(error.message).toContain("Please try again in 1.5s");
    }
    if (vendor === "gemini") expect(error.details.at(-1)).toMatchObject({ retryDelay: "1.5s" });
    expect((await call(simulator, vendor, { stream })).isWhole).toBe(true);
  });

  test("insufficient-quota is told from a rate limit", async () => {
    const error = errorOf((await meet(vendor, { kind: "insufficient-quota" }, { stream })).seen);
    expect(error.status).toBe(429);
    expect(error.header("retry-after")).toBeNull();
    if (vendor === "anthropic") expect(error.code).toBe("enforced_spend_limit_reached");
    if (vendor === "openai") expect(error).toMatchObject({ code: "insufficient_quota", type: "insufficient_quota" });
    if (vendor === "gemini") {
      expect(error.message).toContain("limit: 0");
      expect(error.details[0]).toMatchObject({ violations: [{ quotaValue: "0" }] });
    }
  });

  test.each<[FaultOrder["kind"] & ("auth" | "server-error" | "unavailable" | "overloaded"), Record<Vendor, number>]>([
    ["auth", { anthropic: 401, openai: 401, gemini: 400 }],
    ["server-error", { anthropic: 500, openai: 500, gemini: 500 }],
    ["unavailable", { anthropic: 503, openai: 503, gemini: 503 }],
    ["overloaded", { anthropic: 529, openai: 503, gemini: 503 }],
  ])("%s comes with its own status and body", async (kind, statuses) => {
    const error = errorOf((await meet(vendor, { kind }, { stream })).seen);
    expect(error.status).toBe(statuses[vendor]);
    const types = { auth: "authentication_error", overloaded: "overloaded_error" } as const;
    if (vendor === "anthropic")
      expect(error.type).toBe(kind === "auth" || kind === "overloaded" ? types[kind] : "api_error");
    const codes = { auth: "invalid_api_key", overloaded: "server_is_overloaded" } as const;
    if (vendor === "openai")
      expect(error.code).toBe(kind === "auth" || kind === "overloaded" ? codes[kind] : undefined);
  });

  test("html-error is a page of a proxy, not JSON", async () => {
    const { seen, record } = await meet(vendor, { kind: "html-error" }, { stream });
    expect(errorOf(seen).status).toBe(502);
    expect(record).toMatchObject({ status: 502, fault: "html-error" });
    if (vendor !== "gemini") expect(errorOf(seen).message).toContain("<title>502 Bad Gateway</title>");
  });

  test("hang answers nothing until the caller leaves", async () => {
    const leave = new AbortController();
    simulator.order({ kind: "hang" });
    const calling = call(simulator, vendor, { stream, signal: leave.signal });
    await until(() => simulator.ledger()[0]?.ended === "hang");
    leave.abort();
    const seen = await calling;
    expect(seen).toMatchObject({ isWhole: false, text: "" });
    expect(seen.error).toBeDefined();
    expect(simulator.ledger()[0]?.status).toBeUndefined();
  });

  test("slow holds the answer back and then gives it whole", async () => {
    const startedMs = performance.now();
    const { seen } = await meet(vendor, { kind: "slow", ms: 80 }, { stream });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(79);
    expect(seen).toMatchObject({ isWhole: true, outputTokens: 40 });
  });

  test("wrong-usage and missing-usage change the report and not the answer", async () => {
    const { seen: truth } = await meet(vendor, { kind: "slow", ms: 0 }, { stream });
    const { seen: tenfold } = await meet(vendor, { kind: "wrong-usage" }, { stream });
    expect(tenfold).toMatchObject({ text: truth.text, isWhole: true, outputTokens: 400 });
    expect(tenfold.inputTokens).toBe((truth.inputTokens ?? 0) * 10);
    const odd = await meet(vendor, { kind: "wrong-usage", inputTokens: -5, outputTokens: 0 }, { stream });
    expect(odd.seen).toMatchObject({ inputTokens: -5, outputTokens: 0 });
    expect(odd.record).toMatchObject({ outputTokens: 40 });
    const { seen: silent } = await meet(vendor, { kind: "missing-usage" }, { stream });
    expect(silent).toMatchObject({ text: truth.text, isWhole: true });
    expect([silent.inputTokens, silent.outputTokens]).toEqual([undefined, undefined]);
  });
});

describe.each(each)("a stream of $vendor's", ({ vendor }) => {
  test("cut with a clean end shows what came, and no end of the turn", async () => {
    const cut = { kind: "cut-stream", afterTokens: 10, how: "end" } as const;
    const { seen, record } = await meet(vendor, cut, { stream: true });
    expect(seen.text).toHaveLength(40);
    expect([seen.isWhole, seen.finish, seen.error]).toEqual([false, undefined, undefined]);
    expect(record).toMatchObject({ status: 200, ended: "cut", outputTokens: 10, fault: "cut-stream" });
  });

  test("cut with a reset fails after what came", async () => {
    const cut = { kind: "cut-stream", afterTokens: 10, how: "reset" } as const;
    const { seen } = await meet(vendor, cut, { stream: true });
    expect(seen.text).toHaveLength(40);
    expect(seen.isWhole).toBe(false);
    expect(seen.error).toBeInstanceOf(Error);
    await until(() => simulator.ledger()[0]?.ended === "cut");
  });

  test("hangs in its midst until the caller leaves", async () => {
    const leave = new AbortController();
    simulator.order({ kind: "hang", afterTokens: 12 });
    const calling = call(simulator, vendor, { stream: true, signal: leave.signal });
    await until(() => simulator.ledger()[0]?.ended === "hang");
    expect(simulator.ledger()[0]).toMatchObject({ status: 200, outputTokens: 12 });
    leave.abort();
    expect(await calling).toMatchObject({ isWhole: false });
  });

  test("breaks on a piece that is no JSON", async () => {
    const { seen } = await meet(vendor, { kind: "malformed-chunk", afterTokens: 8 }, { stream: true });
    expect(seen.text).toHaveLength(32);
    expect(errorOf(seen).message).toMatch(/JSON/);
  });

  test("breaks on an error event", async () => {
    const { seen, record } = await meet(vendor, { kind: "stream-error", afterTokens: 8 }, { stream: true });
    expect(seen.text).toHaveLength(32);
    expect(record).toMatchObject({ status: 200, ended: "cut", outputTokens: 8 });
    const error = errorOf(seen);
    expect(error.status).toBeUndefined();
    if (vendor === "anthropic") expect(error.type).toBe("overloaded_error");
    if (vendor === "openai") expect(error.type).toBe("server_error");
    if (vendor === "gemini") expect(seen.error).toMatchObject({ body: { code: 503, status: "UNAVAILABLE" } });
  });

  test("whose caller leaves is recorded as left, with what was produced", async () => {
    const paced = await startSimulator({
      outputTokens: { p50: 4_000, p99: 4_000 },
      latency: { firstTokenMs: { p50: 0, p99: 0 }, perTokenMs: 1 },
    });
    try {
      const leave = new AbortController();
      await call(paced, vendor, { stream: true, maxTokens: 9_999, signal: leave.signal, onPiece: () => leave.abort() });
      await until(() => paced.ledger()[0]?.ended === "client-left");
      expect(paced.ledger()[0]?.outputTokens).toBeGreaterThan(0);
      expect(paced.ledger()[0]?.outputTokens).toBeLessThan(4_000);
    } finally {
      await paced.close();
    }
  });
});

describe.each(each)("a whole answer of $vendor's", ({ vendor }) => {
  test.each(["end", "reset"] as const)("cut in its middle with a %s is an error", async (how) => {
    const { seen } = await meet(vendor, { kind: "cut-stream", how });
    expect(seen.isWhole).toBe(false);
    expect(seen.error).toBeInstanceOf(Error);
    await until(() => simulator.ledger()[0]?.ended === "cut");
  });

  test("that is no JSON is an error", async () => {
    const { seen } = await meet(vendor, { kind: "malformed-chunk" });
    expect(seen.error).toBeInstanceOf(Error);
  });

  test("is not hit by an error of streams", async () => {
    const { seen } = await meet(vendor, { kind: "stream-error" });
    expect(seen.isWhole).toBe(true);
  });
});

test("a fault waits where a limit refuses the call", async () => {
  simulator.setLimits({ openai: { requestsPerMinute: 1, burstSeconds: 1 } });
  expect((await call(simulator, "openai")).isWhole).toBe(true);
  simulator.order({ kind: "missing-usage" });
  expect(errorOf(await call(simulator, "openai")).status).toBe(429);
  simulator.setLimits({ openai: {} });
  expect((await call(simulator, "openai")).outputTokens).toBeUndefined();
  expect((await call(simulator, "openai")).outputTokens).toBe(40);
});

test("faults are ordered, shown and taken back over HTTP", async () => {
  const at = (method: string, body?: unknown) =>
    fetch(`${simulator.url}/_sim/faults`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const two = await at("POST", [
    { kind: "rate-limit", provider: "gemini", times: 3 },
    { kind: "slow", ms: 1, forMs: 1e6 },
  ]);
  expect(await two.json()).toEqual({
    faults: [
      { kind: "rate-limit", retryAfterS: 1, provider: "gemini", times: 3, timesLeft: 3 },
      { kind: "slow", ms: 1, forMs: 1e6 },
    ],
  });
  expect(errorOf(await call(simulator, "gemini")).status).toBe(429);
  expect(await (await at("GET")).json()).toMatchObject({ faults: [{ timesLeft: 2 }, {}] });
  expect(await (await at("DELETE")).json()).toEqual({ faults: [] });
  expect((await call(simulator, "gemini")).isWhole).toBe(true);
});

test.each<[string, unknown, RegExp]>([
  ["of no known kind", { kind: "earthquake" }, /kind: /],
  ["without what it needs", { kind: "slow" }, /ms: /],
  ["with a word that is not known", { kind: "hang", forever: true }, /forever/],
  ["with a chance above one", { kind: "hang", probability: 2 }, /probability: /],
  ["in a list, with its place", [{ kind: "hang" }, { kind: "hang", times: 0 }], /1\.times: /],
])("a fault %s is refused, and nothing is ordered", async (_, body, words) => {
  const answer = await fetch(`${simulator.url}/_sim/faults`, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(words) } });
  expect((await call(simulator, "openai")).isWhole).toBe(true);
});
