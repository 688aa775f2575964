/** The Vercel AI SDK and LangChain, unchanged, as clients of OpenAI's wire. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { useHttp } from "../../support/http.ts";
import { callsWeather } from "../../support/openai.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services, { workers: true, settings: { attempts: { baseMs: 1, capMs: 5, perDeployment: 1 } } });
const mood = z.object({ mood: z.string(), score: z.number() });
const place = z.object({ city: z.string() });
const name = "gpt-5-mini";

describe.each(["chat", "responses"] as const)("the Vercel AI SDK with %s", (api) => {
  const model = () => createOpenAI({ baseURL: `${http().url}/v1`, apiKey: "none" })[api](name);

  it("gets an answer with its usage, whole and streamed", async () => {
    const whole = await generateText({ model: model(), system: "Be brief", prompt: "Say hello", maxRetries: 0 });
    const streamed = streamText({ model: model(), prompt: "Say hello", maxRetries: 0 });
    const pieces: string[] = [];
    for await (const piece of streamed.textStream) pieces.push(piece);

    expect(whole).toMatchObject({ finishReason: "stop", text: expect.stringMatching(/\w/) });
    expect(whole.usage.totalTokens).toBeGreaterThan(0);
    expect(pieces.length).toBeGreaterThan(1);
    expect(await streamed.finishReason).toBe("stop");
    expect((await streamed.usage).outputTokens).toBeGreaterThan(0);
  });

  it("calls tools over several steps, whole and streamed", async () => {
    const asked: string[] = [];
    const tools = {
      weather: tool({
        inputSchema: place,
        execute: async ({ city }) => {
          asked.push(city);
          return `It rains in ${city}.`;
        },
      }),
    };
    const order = { model: model(), tools, prompt: callsWeather, stopWhen: stepCountIs(3), maxRetries: 0 };

    const whole = await generateText(order);
    const streamed = streamText(order);

    expect(whole.steps).toHaveLength(2);
    expect(whole.text).toMatch(/\w/);
    expect(await streamed.text).toMatch(/\w/);
    expect(asked).toEqual(["Bangor", "Bangor"]);
  });

  it("gets an answer of the form that it asks for", async () => {
    const { output } = await generateText({
      model: model(),
      prompt: "How do you do?",
      output: Output.object({ schema: mood }),
      maxRetries: 0,
    });

    expect(mood.safeParse(output).success).toBe(true);
  });

  it("is told when an answer breaks off", async () => {
    http().simulator.order({ kind: "cut-stream", afterTokens: 8, match: "break off" });
    const errors: unknown[] = [];
    const streamed = streamText({
      model: model(),
      prompt: "break off",
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });

    for await (const _piece of streamed.textStream);

    expect(errors.length).toBeGreaterThan(0);
    expect(await streamed.finishReason).toBe("error");
  });
});

it("the Vercel AI SDK gets vectors", async () => {
  const model = createOpenAI({ baseURL: `${http().url}/v1`, apiKey: "none" }).embedding("text-embedding-3-small");

  const { embeddings, usage } = await embedMany({ model, values: ["one", "two"], maxRetries: 0 });

  expect(embeddings).toHaveLength(2);
  expect(usage.tokens).toBeGreaterThan(0);
});

describe.each([false, true])("LangChain's ChatOpenAI, with the Responses API: %s", (useResponsesApi) => {
  const model = () =>
    new ChatOpenAI({
      model: name,
      apiKey: "none",
      useResponsesApi,
      maxRetries: 0,
      configuration: { baseURL: `${http().url}/v1` },
    });

  it("gets an answer with its usage, whole and streamed", async () => {
    const whole = await model().invoke([new HumanMessage("Say hello")]);
    const pieces: string[] = [];
    for await (const piece of await model().stream("Say hello")) pieces.push(piece.text);

    expect(whole.text).toMatch(/\w/);
    expect(whole).toMatchObject({ usage_metadata: { total_tokens: expect.any(Number) } });
    expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(1);
  });

  it("calls tools and takes what they brought", async () => {
    const weather = langchainTool(async ({ city }) => `It rains in ${city}.`, { name: "weather", schema: place });
    const bound = model().bindTools([weather]);
    const question = new HumanMessage(callsWeather);

    const asked = await bound.invoke([question]);
    const [call] = asked.tool_calls ?? [];
    const result = await weather.invoke({ ...(call ?? expect.unreachable("no call")), type: "tool_call" });
    const told = await bound.invoke([question, asked, result]);

    expect(call).toMatchObject({ name: "weather", args: { city: "Bangor" } });
    expect(told.text).toMatch(/\w/);
  });

  it("gets an answer of the form that it asks for", async () => {
    const answer = await model().withStructuredOutput(mood, { name: "mood" }).invoke("How do you do?");

    expect(mood.safeParse(answer).success).toBe(true);
  });
});

it("LangChain gets vectors", async () => {
  const embeddings = new OpenAIEmbeddings({
    model: "text-embedding-3-small",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: `${http().url}/v1` },
  });

  const vectors = await embeddings.embedDocuments(["one", "two"]);

  expect(vectors.map((vector) => vector.length > 0)).toEqual([true, true]);
});

it("the example runs as it stands", async () => {
  const environment = { ...process.env, MILLRACE_URL: `${http().url}/v1` };
  const example = fileURLToPath(new URL("../../../examples/openai-client.mjs", import.meta.url));

  const { stdout } = await promisify(execFile)(process.execPath, [example], { env: environment });

  expect(stdout).toMatch(/\w[\s\S]*\n\d+ tokens\n\d+ numbers\n$/);
});
