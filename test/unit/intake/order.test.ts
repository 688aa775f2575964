import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { prepareOrder, refusalOf } from "../../../src/intake/order.ts";
import { providers } from "../../../src/provider/registry.ts";
import { maxBodyBytes, promptBody } from "../../../src/request/body.ts";

const config = (environment: Readonly<Record<string, string>>) =>
  loadConfig(Object.values(providers), join(tmpdir(), "no settings here"), environment);
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

describe("an order that cannot be taken is refused with what to do", () => {
  it("when nobody offers the model", () => {
    expect(refusalOf(withKey, order("gpt-99"))).toEqual({
      code: "unknown_model",
      message: expect.stringMatching(/"gpt-99".*claude-haiku-4-5.*provider\/model/),
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

  it("and prepareOrder refuses exactly what refusalOf names", () => {
    for (const model of ["gpt-99", "gpt-5-mini", "default"]) {
      const refusal = refusalOf(withKey, order(model));
      const prepared = prepareOrder(withKey, order(model), now);
      expect(prepared.ok ? undefined : prepared.refusal).toEqual(refusal);
    }
  });
});
