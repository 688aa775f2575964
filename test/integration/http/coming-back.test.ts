/** Clients of OpenAI's that leave, come back, or ask the same more than once. */
import { describe, expect, it } from "vitest";
import { useHttp } from "../../support/http.ts";
import { apiError, chunkText, openaiOf, wireEvents } from "../../support/openai.ts";
import { useServices } from "../../support/services.ts";
import { inState } from "../../support/work.ts";

const services = useServices();
const http = useHttp(services, {
  workers: true,
  settings: { attempts: { baseMs: 1, capMs: 5 } },
  simulator: { outputFromPrompt: true, latency: { firstTokenMs: { p50: 5, p99: 10 }, perTokenMs: 2 } },
});
/** Of 20 seconds. */
const long = "[output 10000]";
const path = "/v1/chat/completions";
const ask = (content: string, more: object = {}) => ({
  model: "openai/gpt-5-mini",
  messages: [{ role: "user" as const, content }],
  ...more,
});
const callsWith = (id: string | undefined) =>
  http()
    .simulator.ledger()
    .filter(({ correlation }) => correlation === id);

/** A client that leaves once its answer has begun; the id of its request. */
async function leaveInTheMiddle(content: string, headers: Record<string, string> = {}): Promise<string> {
  const leaving = new AbortController();
  const { data, request_id: id } = await openaiOf(http())
    .chat.completions.create({ ...ask(`${content} ${long}`), stream: true }, { signal: leaving.signal, headers })
    .withResponse();
  for await (const _chunk of data) leaving.abort();
  return id ?? expect.unreachable("an answer has an id");
}

describe("a client that leaves", () => {
  it("takes its request with it, and the call to the provider ends", async () => {
    const id = await leaveInTheMiddle("leave me");

    await inState(http().fleet, id, "cancelled");
    await expect.poll(() => callsWith(id)).toMatchObject([{ ended: "client-left" }]);
  });

  it.each([
    ["says so", { "x-millrace-detach": "true" }],
    ["has a key to come back with", { "idempotency-key": "will-be-back" }],
  ])("leaves its request behind when it %s", async (_how, headers) => {
    const id = await leaveInTheMiddle(`go on ${Object.keys(headers)}`, headers);
    // By the time that one who left later is noticed, this one was too.
    await inState(http().fleet, await leaveInTheMiddle("leave me too"), "cancelled");

    expect((await http().get(`/v1/requests/${id}`)).json.state).toBe("running");
    expect((await http().send("POST", `/v1/requests/${id}/cancel`)).status).toBe(200);
  });

  it("takes its request with it also when it waits for a whole answer", async () => {
    const leaving = new AbortController();
    const headers = { "x-millrace-priority": "standard" };
    const asked = openaiOf(http()).chat.completions.create(ask(long), { signal: leaving.signal, headers });
    asked.catch(() => {});
    const row = async () =>
      (
        await http().fleet.ledger.sql<{ id: string }[]>`
      select id from requests where priority = 2 and state = 'running'`
      )[0];
    await expect.poll(row).toBeDefined();
    const id = (await row())?.id ?? "";
    leaving.abort();

    await inState(http().fleet, id, "cancelled");
  });
});

describe("a key", () => {
  it("makes one request of a hundred that come at once, and one answer", async () => {
    const key = { "idempotency-key": "a hundred" };

    const replies = await Promise.all(Array.from({ length: 100 }, () => http().send("POST", path, ask("once"), key)));

    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]).toMatchObject({ status: 200 });
    expect(callsWith(replies[0]?.headers.get("x-request-id") ?? "")).toHaveLength(1);
  });

  it("brings the same answer again after it has ended, whole and streamed", async () => {
    for (const more of [{}, { stream: true }]) {
      const key = { "idempotency-key": `again ${JSON.stringify(more)}` };
      const [first, again] = [
        await http().send("POST", path, ask("again", more), key),
        await http().send("POST", path, ask("again", more), key),
      ];
      expect(again.text).toBe(first.text);
      expect(callsWith(first.headers.get("x-request-id") ?? "")).toHaveLength(1);
    }
  });

  it("is for one body", async () => {
    const options = { headers: { "idempotency-key": "one body" } };
    await openaiOf(http()).chat.completions.create(ask("one"), options);

    const failed = await apiError(openaiOf(http()).chat.completions.create(ask("another"), options));

    expect(failed).toMatchObject({ status: 422, code: "idempotency_mismatch" });
  });
});

describe("a client that comes back to its stream", () => {
  it("goes on after the event that it had last, here and at the request itself", async () => {
    const key = { "idempotency-key": "resumed" };
    const body = ask("resume", { stream: true });
    const whole = wireEvents((await http().send("POST", path, body, key)).text);
    const had = whole.findIndex(({ id }) => id !== undefined) + 1;
    const last = { "last-event-id": whole[had - 1]?.id ?? "" };

    const rest = await http().send("POST", path, body, { ...key, ...last });
    const native = await http().get(`/v1/requests/${rest.headers.get("x-request-id")}/stream`, last);

    expect(had).toBeGreaterThan(0);
    expect(wireEvents(rest.text)).toEqual(whole.slice(had));
    expect(wireEvents(native.text)[0]?.id).toBe(whole[had]?.id);
    expect(native.text).not.toContain("event: begin");
  });

  it("goes on while the answer is still coming, without a gap and without anything twice", async () => {
    const key = { "idempotency-key": "still coming" };
    const body = ask("slowly [output 200]", { stream: true });
    const leaving = new AbortController();
    const first = await fetch(`${http().url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...key },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    let had = "";
    for await (const piece of first.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      had += piece;
      if (wireEvents(had.slice(0, had.lastIndexOf("\n\n") + 2)).some(({ id }) => id !== undefined)) break;
    }
    leaving.abort();
    const begun = wireEvents(had.slice(0, had.lastIndexOf("\n\n") + 2));
    const last = begun.findLast(({ id }) => id !== undefined);

    const rest = await http().send("POST", path, body, { ...key, "last-event-id": last?.id ?? "" });

    const { result } = (await http().get(`/v1/requests/${rest.headers.get("x-request-id")}`)).json;
    const kept = begun.slice(0, begun.findIndex(({ id }) => id === last?.id) + 1);
    expect(kept.length).toBeGreaterThan(0);
    expect(chunkText([...kept, ...wireEvents(rest.text)])).toBe(result.text);
  });

  it("hears only the answer that counts when an earlier one broke off", async () => {
    http().simulator.order({ kind: "cut-stream", afterTokens: 8, match: "broken once" });
    const key = { "idempotency-key": "broken once" };
    const body = ask("broken once", { stream: true });
    const broken = await http().send("POST", path, body, key);

    const again = await http().send("POST", path, body, key);

    expect(broken.text).toContain('"code":"started_over"');
    const { result, attempts } = (await http().get(`/v1/requests/${again.headers.get("x-request-id")}`)).json;
    expect(attempts).toHaveLength(2);
    expect(chunkText(wireEvents(again.text))).toBe(result.text);
  });

  it("starts from the beginning after an event that is none of ours", async () => {
    const key = { "idempotency-key": "strange" };
    const body = ask("strange", { stream: true });
    const first = await http().send("POST", path, body, key);

    const again = await http().send("POST", path, body, { ...key, "last-event-id": `${"9".repeat(20)}-1` });

    expect(again.text).toBe(first.text);
  });

  it("gets the whole answer when its pieces are no longer kept, unless it says that it had some", async () => {
    const key = { "idempotency-key": "forgotten" };
    const body = ask("forgotten", { stream: true });
    const first = await http().send("POST", path, body, key);
    const id = first.headers.get("x-request-id") ?? "";
    await (await services.redis()).del(`millrace:stream:{${id}}`);

    const again = await http().send("POST", path, body, key);
    const rest = await http().send("POST", path, body, { ...key, "last-event-id": "1-3" });

    expect(chunkText(wireEvents(again.text))).toBe(chunkText(wireEvents(first.text)));
    expect(again.text).toMatch(/data: \[DONE\]\n\n$/);
    expect(rest).toMatchObject({ status: 410, json: { error: { code: "pieces_removed" } } });
  });
});
