/** OpenAI's own client, unchanged, against `/v1/chat/completions`. */
import type OpenAI from "openai";
import { BadRequestError, NotFoundError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { useHttp } from "../../support/http.ts";
import { apiError, callsWeather, openaiOf, weather } from "../../support/openai.ts";
import { againstOpenai } from "../../support/openai-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services, { workers: true, settings: { attempts: { baseMs: 1, capMs: 5, perDeployment: 1 } } });
const messages = [{ role: "user" as const, content: "Say hello" }];
const model = "openai/gpt-5-mini";

describe("a whole answer", () => {
  it("comes with its usage, under the id by which the ledger knows it", async () => {
    const client = openaiOf(http());
    const { data, request_id: id } = await client.chat.completions.create({ model, messages }).withResponse();

    expect(againstOpenai("CreateChatCompletionResponse", data)).toEqual([]);
    expect(data).toMatchObject({
      id: `chatcmpl-${id}`,
      object: "chat.completion",
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", refusal: null } }],
    });
    expect(data.created).toBeGreaterThan(Date.now() / 1_000 - 60);
    expect(data.usage?.total_tokens).toBe((data.usage?.prompt_tokens ?? 0) + (data.usage?.completion_tokens ?? 0));
    expect((await http().get(`/v1/requests/${id}`)).json).toMatchObject({
      state: "succeeded",
      priority: "interactive",
      result: { text: data.choices[0]?.message.content },
    });
  });

  it("calls tools, takes what they brought, and goes on until there is nothing left to call", async () => {
    const asked: unknown[] = [];
    const runner = openaiOf(http()).chat.completions.runTools({
      model,
      messages: [{ role: "user", content: callsWeather }],
      tools: [
        {
          type: "function",
          function: {
            ...weather.function,
            parse: JSON.parse,
            function: (input: unknown) => {
              asked.push(input);
              return "It rains.";
            },
          },
        },
      ],
    });

    expect(await runner.finalContent()).toMatch(/\w/);
    expect(asked).toEqual([{ city: "Bangor" }]);
    expect(runner.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
  });

  it("is of the form that the client's own helper asks for and reads", async () => {
    const mood = z.object({ mood: z.string(), score: z.number() });
    const response_format = zodResponseFormat(mood, "mood");

    const { choices } = await openaiOf(http()).chat.completions.parse({ model, messages, response_format });

    expect(mood.safeParse(choices[0]?.message.parsed).success).toBe(true);
  });

  it("is about a picture that came with the question", async () => {
    const url = `data:image/png;base64,${Buffer.from("a picture").toString("base64")}`;
    const content = [
      { type: "text" as const, text: "What is this?" },
      { type: "image_url" as const, image_url: { url, detail: "low" as const } },
    ];

    const { choices } = await openaiOf(http()).chat.completions.create({
      model,
      messages: [{ role: "user", content }],
    });

    expect(choices[0]?.message.content).toMatch(/\w/);
  });
});

describe("a streamed answer", () => {
  it("comes in chunks that the client puts together, with usage only where that is asked for", async () => {
    const client = openaiOf(http());
    const counted = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    const whole = await counted.finalChatCompletion();
    const plain: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }))
      plain.push(chunk);

    expect(whole.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: expect.stringMatching(/\w/) },
    });
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0);
    expect(plain.length).toBeGreaterThan(2);
    for (const chunk of plain) expect(againstOpenai("CreateChatCompletionStreamResponse", chunk)).toEqual([]);
    expect(plain.filter(({ usage }) => usage !== undefined)).toEqual([]);
    expect(new Set(plain.map(({ id, created }) => `${id} ${created}`)).size).toBe(1);
  });

  it("streams calls of tools with their arguments in pieces", async () => {
    const stream = openaiOf(http()).chat.completions.stream({
      model,
      messages: [{ role: "user", content: callsWeather }],
      tools: [weather],
    });
    const pieces: string[] = [];
    stream.on("tool_calls.function.arguments.delta", ({ arguments_delta }) => pieces.push(arguments_delta));
    const [choice] = (await stream.finalChatCompletion()).choices;

    expect(choice).toMatchObject({ finish_reason: "tool_calls" });
    expect(choice?.message.tool_calls).toMatchObject([
      { id: expect.stringMatching(/./), type: "function", function: { name: "weather", arguments: pieces.join("") } },
    ]);
    expect(JSON.parse(pieces.join(""))).toEqual({ city: "Bangor" });
  });

  it("that breaks off ends with an error and never looks whole", async () => {
    http().simulator.order({ kind: "cut-stream", afterTokens: 8, match: "break off" });
    const said: string[] = [];
    const stream = openaiOf(http()).chat.completions.stream({
      model,
      messages: [{ role: "user", content: "break off" }],
    });
    stream.on("content", (delta) => said.push(delta));

    const error = await apiError(stream.finalChatCompletion());

    expect(said.join("")).toMatch(/\w/);
    expect(error).toMatchObject({ status: undefined, type: "unavailable_error" });
  });

  it("that fails before its first word has a status of its own", async () => {
    http().simulator.order({ kind: "auth", match: "no entry" });

    const error = await apiError(
      openaiOf(http()).chat.completions.create({
        model,
        messages: [{ role: "user", content: "no entry" }],
        stream: true,
      }),
    );

    expect(error).toMatchObject({ status: 502, code: "auth" });
  });
});

describe("what is refused", () => {
  const create = (more: object) => apiError(openaiOf(http()).chat.completions.create({ model, messages, ...more }));

  it("names the field that is wrong", async () => {
    expect(await create({ n: 2 })).toMatchObject({ constructor: BadRequestError, param: "n" });
    expect(await create({ temprature: 1 })).toMatchObject({ status: 400, param: "temprature" });
    expect(await create({ messages: [] })).toMatchObject({ status: 400, param: "messages" });
    expect(
      await create({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] }),
    ).toMatchObject({
      status: 400,
      param: "messages[0].content[0].image_url.url",
    });
  });

  it("is a model that nobody offers, as OpenAI refuses it", async () => {
    expect(await create({ model: "no-such-model" })).toMatchObject({
      constructor: NotFoundError,
      code: "model_not_found",
      type: "invalid_request_error",
      param: "model",
    });
  });

  it("is not tried again by a client that would", async () => {
    let calls = 0;
    const counted = (...args: Parameters<typeof fetch>) => {
      calls += 1;
      return fetch(...args);
    };
    const client = openaiOf(http(), { maxRetries: 2, fetch: counted });
    const failed = await apiError(client.chat.completions.create({ model: "nobody/x", messages }));

    expect([failed.status, calls]).toEqual([404, 1]);
  });
});
