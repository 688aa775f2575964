import { describe, expect, it } from "vitest";
import { heardUntil } from "../../support/heard.ts";
import { eventsOf, openTestHttp, type ServerEvent } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const textOf = (events: readonly ServerEvent[]): string =>
  events
    .filter(({ event }) => event === "text")
    .map(({ data }) => data.text)
    .join("");

const order = { prompt: "Say hello", stream: true, priority: "interactive" };

describe("GET /v1/requests/:id/stream", () => {
  it("tells the text as it comes, and how the request ended", async () => {
    const { send, get } = await openTestHttp(services, {
      workers: true,
      simulator: { latency: { firstTokenMs: { p50: 30, p99: 60 }, perTokenMs: 5 } },
    });
    const { id } = (await send("POST", "/v1/requests", order)).json;

    const stream = await get(`/v1/requests/${id}/stream`);

    const events = eventsOf(stream.text);
    expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(events[0]?.event).toBe("begin");
    expect(events.filter(({ event }) => event === "text").length).toBeGreaterThan(1);
    expect(events.at(-1)).toMatchObject({ event: "done", data: { id, state: "succeeded", failure: null } });
    const shown = await get(`/v1/requests/${id}`);
    expect(textOf(events)).toBe(shown.json.result.text);
    expect(shown.json.attempts[0].first_token_ms).toBeGreaterThan(0);
  });

  it("goes on after the event that a returning client had last", async () => {
    const { send, get } = await openTestHttp(services, { workers: true });
    const { id } = (await send("POST", "/v1/requests?wait_ms=20000", order)).json;
    const whole = eventsOf((await get(`/v1/requests/${id}/stream`)).text);
    const had = whole[2];

    const rest = eventsOf((await get(`/v1/requests/${id}/stream`, { "last-event-id": had?.id ?? "" })).text);

    expect(had?.event).toBe("text");
    expect(rest).toEqual(whole.slice(3));
  });

  it("starts the text over when an attempt broke off", async () => {
    const { send, get, simulator } = await openTestHttp(services, {
      workers: true,
      settings: { attempts: { baseMs: 1, capMs: 5 } },
    });
    simulator.order({ kind: "cut-stream", afterTokens: 8 });
    const { id } = (await send("POST", "/v1/requests", order)).json;

    const events = eventsOf((await get(`/v1/requests/${id}/stream`)).text);

    const begins = events.flatMap(({ event }, at) => (event === "begin" ? [at] : []));
    expect(begins).toHaveLength(2);
    const { result, attempts } = (await get(`/v1/requests/${id}`)).json;
    expect(attempts.map((attempt: { outcome: string }) => attempt.outcome)).toEqual(["failed", "succeeded"]);
    expect(textOf(events.slice(begins[1]))).toBe(result.text);
  });

  it("tells only the usage and the end of a request that nobody streamed", async () => {
    const { send, get } = await openTestHttp(services, { workers: true });
    const { id } = (await send("POST", "/v1/requests?wait_ms=20000", { prompt: "Say hello" })).json;

    const events = eventsOf((await get(`/v1/requests/${id}/stream`)).text);

    expect(events).toMatchObject([{ event: "usage" }, { event: "done", data: { id, state: "succeeded" } }]);
  });

  it("says that it is still there, as often as is set, while there is nothing to tell", async () => {
    const { send, url } = await openTestHttp(services, { http: { keepAliveMs: 20 } });
    const { id } = (await send("POST", "/v1/requests", order)).json;

    const stream = await fetch(`${url}/v1/requests/${id}/stream`);
    const heard = await heardUntil(stream, /(: still at it\n\n){2}/);
    await send("POST", `/v1/requests/${id}/cancel`);

    expect(eventsOf(await heard.rest())).toMatchObject([{ event: "done", data: { state: "cancelled" } }]);
  });

  it("tells a reader that the request was cancelled", async () => {
    const { send, url } = await openTestHttp(services);
    const { id } = (await send("POST", "/v1/requests", order)).json;

    const stream = await fetch(`${url}/v1/requests/${id}/stream`);
    await send("POST", `/v1/requests/${id}/cancel`);

    expect(eventsOf(await stream.text())).toMatchObject([{ event: "done", data: { state: "cancelled" } }]);
  });
});
