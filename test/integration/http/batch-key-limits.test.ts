/** Lines of batches against the limits of the API key that brought them. */
import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { chargeLines } from "../../../producers/batches/admit-lines.ts";
import { type KeyLimits, openKeyGate } from "../../../src/admission/key-limits.ts";
import type { Order } from "../../../src/intake/order.ts";
import { createKey, revokeKey } from "../../../src/ledger/api-keys.ts";
import { promptBody } from "../../../src/request/body.ts";
import { openaiLines } from "../../support/batch-files.ts";
import { useHttp } from "../../support/http.ts";
import { createBatch, inStatus, linesOf, openaiClient } from "../../support/openai-batch.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services, { workers: true });

/** A key of a tenant of its own. */
async function keyed(
  tenant: string,
  limits: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number },
) {
  const { fleet, get, send, url } = http();
  const { id, key } = await createKey(fleet.ledger, { tenant, name: "test", scope: "use", ...limits });
  const headers = { authorization: `Bearer ${key}` };
  const { sql } = fleet.ledger;
  const linesIn = async () => {
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n from hosted_batches h join batch_lines l using (batch_id)
      where h.tenant = ${tenant} and h.look_after > now() + interval '5 seconds'`;
    return row?.n;
  };
  const aMinutePasses = async () => {
    await (await services.redis()).del(`millrace:key:{${id}}`);
    await sql`update hosted_batches set look_after = null where tenant = ${tenant}`;
  };
  return {
    id,
    client: openaiClient({ url }, key),
    anthropic: new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 }),
    post: (body: unknown) => send("POST", "/v1/requests", body, headers),
    progress: async (batch: string) => (await get(`/v1/batches/${batch}/progress`, headers)).json,
    linesIn,
    aMinutePasses,
  };
}

describe("a batch of a key with limits", () => {
  test("comes in as the key has room, leaves a fifth of it to calls, and loses nothing", async () => {
    const { client, post, progress, linesIn, aMinutePasses } = await keyed("requests", { requestsPerMinute: 10 });
    const { id } = await createBatch(client, openaiLines(20));

    await expect.poll(linesIn).toBe(8);
    expect(await progress(id)).toMatchObject({
      status: "in_progress",
      total: 20,
      accepted: 8,
      limited_by: expect.arrayContaining([expect.stringContaining("API key")]),
    });
    const order = { prompt: "Say hello" };
    const calls = [await post(order), await post(order), await post(order)];
    expect(calls.map(({ status }) => status)).toEqual([202, 202, 429]);

    await aMinutePasses();
    await expect.poll(linesIn).toBe(16);
    await aMinutePasses();
    const done = await inStatus(client, id, "completed");
    expect(done.request_counts).toEqual({ total: 20, completed: 20, failed: 0 });
    const ids = (await linesOf(client, done.output_file_id)).map(({ custom_id }) => custom_id);
    expect(ids).toEqual(openaiLines(20).map((line) => JSON.parse(line).custom_id));
  });

  test("of Anthropic's wire is charged by tokens", async () => {
    const { anthropic, linesIn, aMinutePasses } = await keyed("tokens", { tokensPerMinute: 1_500 });
    const requests = [1, 2, 3, 4, 5].map((at) => ({
      custom_id: `r-${at}`,
      params: { model: "claude-haiku-4-5", max_tokens: 500, messages: [{ role: "user" as const, content: "Hello" }] },
    }));
    await anthropic.messages.batches.create({ requests });

    await expect.poll(linesIn).toBe(2);
    await aMinutePasses();
    await expect.poll(linesIn).toBe(4);
  });

  test("goes on, no faster, when its key is revoked, and can be cancelled while it waits", async () => {
    const { client, id: keyId, linesIn, aMinutePasses } = await keyed("revoked", { requestsPerMinute: 5 });
    const { id } = await createBatch(client, openaiLines(20));
    await expect.poll(linesIn).toBe(4);

    await revokeKey(http().fleet.ledger, keyId);
    await aMinutePasses();
    await expect.poll(linesIn).toBe(8);

    const { key } = await createKey(http().fleet.ledger, { tenant: "revoked", name: "other", scope: "use" });
    const other = openaiClient(http(), key);
    await expect.poll(async () => (await other.batches.retrieve(id)).request_counts?.completed).toBe(8);
    await other.batches.cancel(id);
    const { request_counts: counts } = await inStatus(other, id, "cancelled");
    expect(counts).toMatchObject({ total: 20, completed: 8 });
  });

  test("expires with its window, though its key had no room for it", async () => {
    const { client, linesIn, aMinutePasses } = await keyed("expired", { requestsPerMinute: 5 });
    const { id } = await createBatch(client, openaiLines(10));
    await expect.poll(linesIn).toBe(4);

    await http().fleet.ledger.sql`update hosted_batches set expires_at = now() where tenant = 'expired'`;
    await aMinutePasses();
    const { request_counts: counts } = await inStatus(client, id, "expired");
    expect(counts?.total).toBe(10);
  });
});

describe("lines of a batch", () => {
  const second = 1_000_000;
  const order = (maxOutputTokens: number): Order => ({
    tenant: "t",
    priority: "bulk",
    body: { ...promptBody("gpt-5-mini", "Hello"), maxOutputTokens },
  });
  const limits = (requestsPerMinute?: number, tokensPerMinute?: number): KeyLimits => ({
    keyId: `${requestsPerMinute} ${tokensPerMinute}`,
    requestsPerMinute,
    tokensPerMinute,
  });
  /** Of a key of its own, on a clock that a test moves. */
  function clocked() {
    const time = { us: 40_000_000_123_456 };
    const gate = openKeyGate(http().fleet.config.redisUrl ?? "", { clockUs: () => time.us });
    onTestFinished(() => gate.close());
    return { gate, time };
  }

  test("take four fifths of the limits in any minute, waste little of that, and wait as long as they are told", async () => {
    const { gate, time } = clocked();
    const lines = Array.from({ length: 200 }, () => order(100));
    const came: { readonly us: number; readonly count: number }[] = [];
    for (let left = 1_000; left > 0; ) {
      const { count, waitMs } = await chargeLines(gate, limits(100), lines.slice(0, left));
      came.push({ us: time.us, count });
      left -= count;
      time.us += Math.ceil(waitMs * 1_000);
    }
    for (const { us } of came) {
      const within = came.filter((other) => other.us >= us && other.us < us + 60 * second);
      expect(within.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(80);
    }
    const minutes = (time.us - (came[0]?.us ?? 0)) / (60 * second);
    expect(1_000 / minutes).toBeGreaterThan(75);
    expect(came.length).toBeLessThan(20);
  });

  test("that take more than the limit come in one by one, when nothing else is in use", async () => {
    const { gate, time } = clocked();
    const long = [order(5_000), order(5_000)];
    const first = await chargeLines(gate, limits(undefined, 1_000), long);
    expect(first.count).toBe(1);
    time.us += first.waitMs * 1_000;
    expect((await chargeLines(gate, limits(undefined, 1_000), long.slice(1))).count).toBe(1);
  });

  test("wait while nobody can count them", async () => {
    const gate = { charge: () => Promise.reject(new Error("away")) };
    expect(await chargeLines(gate, limits(10), [order(10)])).toEqual({ count: 0, waitMs: 2_000 });
  });
});
