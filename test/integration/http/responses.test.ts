/** OpenAI's own client, unchanged, against `/v1/responses`. */
import type OpenAI from "openai";
import { BadRequestError, NotFoundError } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { useHttp } from "../../support/http.ts";
import { apiError, callsWeather, openaiOf, weather, wireEvents } from "../../support/openai.ts";
import { againstOpenai, eventAgainstOpenai } from "../../support/openai-schema.ts";
import { useServices } from "../../support/services.ts";
import { inState } from "../../support/work.ts";

const services = useServices();
const http = useHttp(services, {
  workers: true,
  settings: { attempts: { baseMs: 1, capMs: 5, perDeployment: 1 } },
  simulator: { outputFromPrompt: true, latency: { firstTokenMs: { p50: 2, p99: 4 }, perTokenMs: 1 } },
});
const model = "openai/gpt-5-mini";
const input = "Say hello";
/** Of ten seconds. */
const long = "Go on [output 10000]";
const tool = { type: "function" as const, strict: false, ...weather.function };
const requestOf = ({ id }: { readonly id: string }) =>
  id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

type Item = OpenAI.Responses.ResponseOutputItem;
const isSent = (item: Item): item is Extract<Item, { type: "message" | "function_call" }> =>
  item.type === "message" || item.type === "function_call";

describe("a whole response", () => {
  it("has the form that OpenAI's document gives it, and says what was asked", async () => {
    const asked = {
      model,
      input,
      instructions: "Be brief",
      max_output_tokens: 300,
      temperature: 0.5,
      metadata: { team: "mill" },
      tools: [tool],
      tool_choice: "none" as const,
      store: false,
    };
    const { data, request_id: id } = await openaiOf(http()).responses.create(asked).withResponse();

    expect(againstOpenai("Response", data)).toEqual([]);
    expect(data).toMatchObject({
      object: "response",
      status: "completed",
      instructions: "Be brief",
      max_output_tokens: 300,
      metadata: { team: "mill" },
      tool_choice: "none",
      tools: [{ type: "function", name: "weather" }],
    });
    expect(requestOf(data)).toBe(id);
    expect(data.output_text).toMatch(/\w/);
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect((await http().get(`/v1/requests/${id}`)).json.result.text).toBe(data.output_text);
  });

  it("takes a conversation with pictures, calls and what came of them", async () => {
    const client = openaiOf(http());
    const items: OpenAI.Responses.ResponseInput = [
      { role: "developer", content: "Be brief" },
      {
        role: "user",
        content: [
          { type: "input_text", text: callsWeather },
          {
            type: "input_image",
            image_url: `data:image/png;base64,${Buffer.from("mill").toString("base64")}`,
            detail: "low",
          },
        ],
      },
    ];
    const first = await client.responses.create({ model, input: items, tools: [tool] });
    const [call] = first.output.filter((item) => item.type === "function_call");

    expect(againstOpenai("Response", first)).toEqual([]);
    expect(call).toMatchObject({ name: "weather", arguments: '{"city":"Bangor"}', status: "completed" });
    const output = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "It rains." };
    const second = await client.responses.create({
      model,
      input: [...items, ...first.output.filter(isSent), output],
      tools: [tool],
    });

    expect(second.output_text).toMatch(/\w/);
  });

  it("goes on from items that are only referred to, of one's own answers", async () => {
    const client = openaiOf(http());
    const first = await client.responses.create({ model, input: callsWeather, tools: [tool] });
    const [call] = first.output.filter((item) => item.type === "function_call");
    const items: OpenAI.Responses.ResponseInput = [
      { role: "user", content: callsWeather },
      { type: "item_reference", id: call?.id ?? "" },
      { type: "function_call_output", call_id: call?.call_id ?? "", output: "It rains." },
    ];

    const second = await client.responses.create({ model, input: items, tools: [tool] });
    const lost = await apiError(
      client.responses.create({ model, input: [...items, { type: "item_reference", id: "msg_0" }] }),
    );

    expect(second.output_text).toMatch(/\w/);
    expect(lost).toMatchObject({ status: 400, param: "input[3].id" });
  });

  it("is of the form that the client's own helper asks for and reads", async () => {
    const mood = z.object({ mood: z.string(), score: z.number() });

    const { output_parsed: parsed } = await openaiOf(http()).responses.parse({
      model,
      input,
      text: { format: zodTextFormat(mood, "mood") },
    });

    expect(mood.safeParse(parsed).success).toBe(true);
  });

  it("is incomplete where it was cut off", async () => {
    const cut = await openaiOf(http()).responses.create({ model, input: "[output 100]", max_output_tokens: 16 });

    expect(againstOpenai("Response", cut)).toEqual([]);
    expect(cut).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
  });
});

describe("a streamed response", () => {
  it("tells every event in OpenAI's order, and the whole at the end", async () => {
    const { text } = await http().send("POST", "/v1/responses", { model, input, stream: true });
    const events = z.array(z.looseObject({ type: z.string() })).parse(wireEvents(text).map(({ data }) => data));

    for (const event of events) expect(eventAgainstOpenai(event)).toEqual([]);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(text).toMatch(/^event: response.created\ndata: /);
  });

  it("is put together by the client, with calls of tools", async () => {
    const client = openaiOf(http());
    const stream = client.responses.stream({ model, input: callsWeather, tools: [tool] });
    const pieces: string[] = [];
    stream.on("response.function_call_arguments.delta", ({ delta }) => pieces.push(delta));

    const whole = await stream.finalResponse();

    expect(pieces.length).toBeGreaterThan(1);
    expect(whole.output).toMatchObject([{ type: "function_call", name: "weather", arguments: '{"city":"Bangor"}' }]);
    const { output } = await client.responses.retrieve(whole.id);
    expect(output).toMatchObject([{ id: whole.output[0]?.id, call_id: expect.stringMatching(/./) }]);
  });

  it("that breaks off is told as failed, and thrown by the client", async () => {
    http().simulator.order({ kind: "cut-stream", afterTokens: 8, match: "break off", times: 2 });
    const body = { model, input: "break off", stream: true as const };
    const { text } = await http().send("POST", "/v1/responses", body);
    const events = wireEvents(text).slice(-2);

    const error = await apiError(openaiOf(http()).responses.stream(body).finalResponse());

    for (const { data } of events) expect(eventAgainstOpenai(data)).toEqual([]);
    expect(events).toMatchObject([
      { data: { type: "response.failed", response: { status: "failed", error: { code: "server_error" } } } },
      { data: { type: "error", code: "stream" } },
    ]);
    expect(error).toMatchObject({ status: undefined, code: "stream" });
  });
});

describe("a response in the background", () => {
  it("is queued at once, ended later, and can be read along from any event on", async () => {
    const client = openaiOf(http());
    const queued = await client.responses.create({ model, input, background: true });

    expect(againstOpenai("Response", queued)).toEqual([]);
    expect(queued).toMatchObject({ status: "queued", output: [], background: true });
    await inState(http().fleet, requestOf(queued), "succeeded");
    const ended = await client.responses.retrieve(queued.id);
    expect(ended).toMatchObject({ id: queued.id, status: "completed", created_at: queued.created_at });

    const again = await client.responses.stream({ response_id: queued.id }).finalResponse();
    expect(again.output_text).toBe(ended.output_text);
    const numbers: number[] = [];
    for await (const event of await client.responses.retrieve(queued.id, { stream: true, starting_after: 3 })) {
      numbers.push(event.sequence_number);
    }
    expect(numbers[0]).toBe(4);
  });

  it("goes on when its reader leaves, until it is cancelled", async () => {
    const client = openaiOf(http());
    const left = async (background: boolean): Promise<string> => {
      const leaving = new AbortController();
      const asked = { model, input: long, background, stream: true as const };
      let id = "";
      for await (const event of await client.responses.create(asked, { signal: leaving.signal })) {
        if (event.type === "response.created") id = event.response.id;
        leaving.abort();
      }
      return id;
    };
    const id = await left(true);
    // By the time that one who left later is noticed, this one was too.
    await inState(http().fleet, requestOf({ id: await left(false) }), "cancelled");

    expect((await client.responses.retrieve(id)).status).toBe("in_progress");
    expect((await client.responses.cancel(id)).status).toBe("cancelled");
  });
});

describe("what is refused", () => {
  it.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ tool_choice: { type: "file_search" } }, "tool_choice"],
    [{ include: ["message.output_text.logprobs"] }, "include"],
    [{ truncation: "auto" }, "truncation"],
    [{ input: [{ type: "computer_call" }] }, "input[0].type"],
    [
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "file-1" }] }] },
      "input[0].content[0].file.file_id",
    ],
    [{ inputs: [] }, "inputs"],
  ])("%j is named", async (more, param) => {
    const { status, json } = await http().send("POST", "/v1/responses", { model, input, ...more });

    expect([status, json.error.param]).toEqual([400, param]);
    expect(againstOpenai("ErrorResponse", json)).toEqual([]);
  });

  it("is told to the client as its own errors", async () => {
    const client = openaiOf(http());
    expect(await apiError(client.responses.create({ model }))).toBeInstanceOf(BadRequestError);
    expect(await apiError(client.responses.create({ model: "no-such-model", input }))).toBeInstanceOf(NotFoundError);
    expect(await apiError(client.responses.retrieve("resp_0"))).toBeInstanceOf(NotFoundError);
    expect(await apiError(client.responses.cancel("resp_0"))).toBeInstanceOf(NotFoundError);
  });
});
