/** OpenAI's own client, unchanged, against `/v1/chat/completions`. */
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const messages = [{ role: "user" as const, content: "Say hello" }];
const model = "openai/gpt-5-mini";

async function open(wish: Parameters<typeof openTestHttp>[1] = { workers: true }) {
  const http = await openTestHttp(services, wish);
  return { ...http, client: new OpenAI({ baseURL: `${http.url}/v1`, apiKey: "none", maxRetries: 0 }) };
}

describe("the official client", () => {
  it("gets a whole answer with its usage", async () => {
    const { client, get } = await open();
    const { data, request_id: id } = await client.chat.completions.create({ model, messages }).withResponse();

    expect(data).toMatchObject({ object: "chat.completion", choices: [{ index: 0, finish_reason: "stop" }] });
    expect(data.choices[0]?.message.content).toMatch(/\w/);
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect((await get(`/v1/requests/${id}`)).json).toMatchObject({
      state: "succeeded",
      priority: "interactive",
      result: { text: data.choices[0]?.message.content },
    });
  });
});
