import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { prepareOrder, refusalOf } from "../../../src/intake/order.ts";
import { providers } from "../../../src/provider/registry.ts";
import { maxBodyBytes, promptBody } from "../../../src/request/body.ts";

const config = (environment: Readonly<Record<string, string>>) =>
  loadConfig(Object.values(providers), join(tmpdir(), "no settings here"), environment);
/** With what `millrace.json` would say, and a key for each of these variables. */
function configured(settings: object, ...variables: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), "millrace-order-"));
  try {
    writeFileSync(join(directory, "millrace.json"), JSON.stringify(settings));
    return loadConfig(Object.values(providers), directory, Object.fromEntries(variables.map((name) => [name, "k"])));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
const withKey = config({ ANTHROPIC_API_KEY: "k" });
const order = (model: string, prompt = "What is 2 + 2?") => ({
  tenant: "t",
  priority: "bulk" as const,
  body: promptBody(model, prompt),
});
const now = Date.parse("2026-11-20T12:00:00Z");

describe("an order that can be taken", () => {
  it("becomes a row with its deployment, lane, class and estimates", () => {
    expect(prepareOrder(withKey, order("claude-haiku-4-5"), now)).toEqual({
      ok: true,
      row: {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
        tenant: "t",
        model: "claude-haiku-4-5",
        deployment: "anthropic/claude-haiku-4-5",
        lane: "anthropic.haiku",
        priority: 3,
        body: promptBody("claude-haiku-4-5", "What is 2 + 2?"),
        estInputTokens: expect.any(Number),
        estOutputTokens: 4_096,
      },
    });
  });

  it("carries what the caller said about it", () => {
    const said = {
      batchId: "b",
      line: { no: 3, customId: "c", shape: "plain" as const },
      idempotencyKey: "i",
      traceparent: "00-1-2-01",
      replyWanted: true,
    };
    const prepared = prepareOrder(withKey, { ...order("default"), ...said, deadlineMs: 5_000 }, now);
    expect(prepared).toMatchObject({ ok: true, row: { ...said, deadline: new Date(now + 5_000) } });
  });

  it("starts at the first deployment of its route that has a key", () => {
    const openai = config({ OPENAI_API_KEY: "k", FALLBACK_CHAIN: "gemini,openai" });
    expect(prepareOrder(openai, order("claude-haiku-4-5"), now)).toMatchObject({
      row: { model: "claude-haiku-4-5", deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini" },
    });
  });
});

describe("an order that is too large for its first deployment", () => {
  const pools = { "anthropic.haiku": { inputTokensPerMinute: 1_000 } };
  const routed = configured({ pools, fallbackChain: ["openai"] }, "ANTHROPIC_API_KEY", "OPENAI_API_KEY");

  it("starts at the first one that it fits, and a smaller one at the first of all", () => {
    const start = (prompt: string) => prepareOrder(routed, order("claude-haiku-4-5", prompt), now);
    expect(start("word ".repeat(2_000))).toMatchObject({ row: { deployment: "openai/gpt-5-mini" } });
    expect(start("word")).toMatchObject({ row: { deployment: "anthropic/claude-haiku-4-5" } });
  });
});

describe("an order that cannot be taken is refused with what to do", () => {
  it("when nobody offers the model", () => {
    expect(refusalOf(withKey, order("gpt-99"))).toEqual({
      code: "unknown_model",
      message: expect.stringMatching(/"gpt-99".*gpt-5.5.*provider\/model/),
    });
  });

  it("when there is no key for any provider of its route", () => {
    expect(refusalOf(config({}), order("gemini-2.5-flash"))).toEqual({
      code: "no_credential",
      message: expect.stringMatching(/gemini: set (GOOGLE|GEMINI)_API_KEY/),
    });
  });

  it.each([
    ["messages", promptBody("default", "x".repeat(maxBodyBytes + 1))],
    ["system prompt", { ...promptBody("default", "x"), system: "x".repeat(maxBodyBytes) }],
    ["messages, in bytes and not in characters", promptBody("default", "é".repeat(maxBodyBytes / 2 + 1))],
  ])("when its %s are too long", (_what, body) => {
    expect(refusalOf(withKey, { body })?.code).toBe("too_long");
  });

  it("when it takes more at once than any limit of its route lets through, with the numbers", () => {
    const tight = configured({ pools: { "anthropic.haiku": { inputTokensPerMinute: 1_000 } } }, "ANTHROPIC_API_KEY");
    expect(refusalOf(tight, order("claude-haiku-4-5", "word ".repeat(500)))).toBeUndefined();
    const refusal = refusalOf(tight, order("claude-haiku-4-5", "word ".repeat(2_000)));
    expect(refusal?.code).toBe("exceeds_limit");
    const [, asked, most] =
      /takes (\d+) of anthropic\.haiku's inputTokens, which lets (\d+)/.exec(refusal?.message ?? "") ?? [];
    expect(Number(asked)).toBeGreaterThan(2_000);
    // Nine tenths of a minute's worth, less what the spread of the way takes.
    expect(Number(most)).toBe(899);
  });

  it("when it takes too much of every deployment, and then each of them is named", () => {
    const pools = {
      "anthropic.haiku": { inputTokensPerMinute: 1_000 },
      "openai.gpt-5-mini": { tokensPerMinute: 2_000 },
    };
    const tight = configured({ pools, fallbackChain: ["openai"] }, "ANTHROPIC_API_KEY", "OPENAI_API_KEY");
    const message = refusalOf(tight, order("claude-haiku-4-5", "word ".repeat(2_000)))?.message;
    expect(message).toMatch(/anthropic\.haiku's inputTokens.*; it takes \d+ of openai\.gpt-5-mini's tokens/);
  });

  it("and prepareOrder refuses exactly what refusalOf names", () => {
    for (const model of ["gpt-99", "gpt-5-mini", "default"]) {
      const refusal = refusalOf(withKey, order(model));
      const prepared = prepareOrder(withKey, order(model), now);
      expect(prepared.ok ? undefined : prepared.refusal).toEqual(refusal);
    }
  });
});
