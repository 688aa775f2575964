import { describe, expect, it } from "vitest";
import { type OrderDefaults, readOrders } from "../../../producers/http/orders.ts";

const defaults: OrderDefaults = {
  tenant: "acme",
  idempotencyKey: undefined,
  traceparent: undefined,
  replyWanted: false,
};
const read = (body: unknown, more: Partial<OrderDefaults> = {}) => readOrders(body, { ...defaults, ...more });

describe("readOrders", () => {
  it("turns the wire's names into an order", () => {
    const read = readOrders(
      {
        model: "gpt-5-mini",
        system: "Be brief",
        messages: [
          { role: "developer", content: "And kind" },
          { role: "user", content: [{ type: "text", text: "Hello" }] },
        ],
        max_output_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 4,
        stop: "END",
        seed: 7,
        stream: true,
        priority: "bulk",
        tenant: "globex",
        deadline_ms: 1_000,
      },
      { ...defaults, traceparent: "00-1-2-3" },
    );

    expect(read).toEqual({
      ok: true,
      many: false,
      orders: [
        {
          body: {
            model: "gpt-5-mini",
            system: "Be brief\n\nAnd kind",
            messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
            maxOutputTokens: 9,
            temperature: 0.5,
            topP: 0.9,
            topK: 4,
            stop: ["END"],
            seed: 7,
            stream: true,
          },
          tenant: "globex",
          priority: "bulk",
          deadlineMs: 1_000,
          traceparent: "00-1-2-3",
          replyWanted: true,
        },
      ],
    });
  });

  it("leaves out what was not given", () => {
    const read = readOrders({ prompt: "Hello", system: null, temperature: null }, defaults);

    expect(read).toMatchObject({ ok: true });
    expect(read.ok && read.orders[0]).toEqual({
      body: { model: "default", messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }] },
      tenant: "acme",
      priority: "standard",
      replyWanted: false,
    });
  });

  it("gives each request of a list a key of its own", () => {
    const list = read([{ prompt: "One" }, { prompt: "Two" }], { idempotencyKey: "k" });
    const single = read({ prompt: "One" }, { idempotencyKey: "k" });

    expect(list.ok && list.orders.map((order) => order.idempotencyKey)).toEqual(["k#0", "k#1"]);
    expect(single.ok && single.orders.map((order) => order.idempotencyKey)).toEqual(["k"]);
  });

  it.each([
    ["a field it does not know", { prompt: "x", tempature: 1 }, "tempature"],
    ["neither prompt nor messages", {}, "prompt"],
    ["both prompt and messages", { prompt: "x", messages: [{ role: "user", content: "y" }] }, "prompt"],
    ["an empty prompt", { prompt: "" }, "prompt"],
    [
      "a part it does not know",
      { messages: [{ role: "user", content: [{ type: "hologram" }] }] },
      "messages[0].content[0].type",
    ],
    [
      "a part without what it should hold",
      { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      "messages[0].content[0].image_url",
    ],
    ["a conversation without a user", { messages: [{ role: "system", content: "x" }] }, "messages"],
    ["a class that does not exist", { prompt: "x", priority: "urgent" }, "priority"],
    ["a number out of range", { prompt: "x", temperature: 3 }, "temperature"],
    ["half a surrogate pair as a tenant", { prompt: "x", tenant: "\ud800" }, "tenant"],
    ["a deadline of more than thirty days", { prompt: "x", deadline_ms: 2_592_000_001 }, "deadline_ms"],
    ["the second of two", [{ prompt: "x" }, { prompt: 1 }], "[1].prompt"],
    ["what is no object", [null], "[0]"],
  ])("refuses %s and names the field", (_what, body, param) => {
    expect(read(body)).toMatchObject({ ok: false, problem: { status: 400, type: "invalid_request_error", param } });
  });

  it.each([
    ["an empty list", []],
    ["more than a thousand", Array.from({ length: 1_001 }, () => ({ prompt: "x" }))],
  ])("refuses %s", (_what, body) => {
    expect(read(body)).toMatchObject({ ok: false, problem: { status: 400 } });
  });
});
