import fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { eventBody, eventTypes } from "../../../src/webhook/event.ts";
import { newSecret, signedHeaders } from "../../../src/webhook/signature.ts";

const facts = {
  eventId: "0193b6a2-7c1e-4d40-9a52-0123456789ab",
  subjectId: "0193b6a2-7c1e-7d40-9a52-ba9876543210",
  occurredAt: new Date("2026-01-02T03:04:05.678Z"),
};
const client = (webhookSecret: string) => new OpenAI({ apiKey: "none", webhookSecret });

describe("an event", () => {
  it.each(eventTypes)("%s has OpenAI's shape, and its signature passes the official SDK", async (type) => {
    const secret = newSecret();
    const body = eventBody({ ...facts, type });
    const headers = signedHeaders({ secret, id: "evt_0193b6a27c1e4d409a520123456789ab", body, atMs: Date.now() });
    expect(await client(secret).webhooks.unwrap(body, headers)).toEqual({
      id: "evt_0193b6a27c1e4d409a520123456789ab",
      object: "event",
      created_at: 1_767_323_045,
      type,
      data: { id: type.startsWith("batch.") ? "batch_0193b6a27c1e7d409a52ba9876543210" : facts.subjectId },
    });
  });

  it("passes whatever it says, and does not once a character, the id, the time or the secret is another", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), async (text) => {
        const secret = newSecret();
        const body = JSON.stringify({ text });
        const headers = signedHeaders({ secret, id: "evt_1", body, atMs: Date.now() });
        const { webhooks } = client(secret);
        await webhooks.verifySignature(body, headers);
        const seconds = Number(headers["webhook-timestamp"]);
        for (const [said, told, key] of [
          [`${body} `, headers, secret],
          [body, { ...headers, "webhook-id": "evt_2" }, secret],
          [body, { ...headers, "webhook-timestamp": `${seconds - 1}` }, secret],
          [body, headers, newSecret()],
        ] as const) {
          await expect(webhooks.verifySignature(said, told, key)).rejects.toThrow("signature");
        }
      }),
      { numRuns: 10 },
    );
  });

  it("is refused by the SDK when it is sent again after more than five minutes with its old signature", async () => {
    const secret = newSecret();
    const headers = signedHeaders({ secret, id: "evt_1", body: "{}", atMs: Date.now() - 301_000 });
    await expect(client(secret).webhooks.unwrap("{}", headers)).rejects.toThrow("too old");
  });
});
