/** Anthropic's own client, unchanged, against `/v1/models`. */
import Anthropic, { BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import { useHttp } from "../../support/http.ts";
import { openaiOf } from "../../support/openai.ts";
import { useServices } from "../../support/services.ts";

const http = useHttp(useServices(), {
  environment: { GOOGLE_API_KEY: "" },
  settings: { models: { house: ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"] } },
});
const client = () => new Anthropic({ baseURL: http().url, apiKey: "any", maxRetries: 0 });

async function namesBy(limit: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { id } of client().models.list({ limit })) names.push(id);
  return names;
}

test("lists every name that chats, page by page, once and in one order", async () => {
  const names = await namesBy(7);
  expect(names).toEqual(await namesBy(1_000));
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["default", "house", "gpt-5-mini", "anthropic/claude-haiku-4-5"]));
  expect(names.filter((name) => /gemini|embedding|tts/.test(name))).toEqual([]);

  const all = new Set<string>();
  for await (const { id } of await openaiOf(http()).models.list()) all.add(id);
  expect(names.filter((name) => !all.has(name))).toEqual([]);
});

test("goes backwards, too", async () => {
  const names = await namesBy(1_000);
  const [third, sixth] = [names[2], names[5]];
  const page = await client().models.list({ before_id: sixth ?? "", limit: 3 });
  expect(page).toMatchObject({ first_id: third, last_id: names[4], has_more: true });
  const before = await page.getNextPage();
  expect(before.data.map(({ id }) => id)).toEqual(names.slice(0, 2));
  expect(before.has_more).toBe(false);
});

test("shows one by its name, and what is not known of it as null", async () => {
  const { models } = client();
  expect(await models.retrieve("claude-haiku-4-5")).toEqual({
    type: "model",
    id: "claude-haiku-4-5",
    display_name: "claude-haiku-4-5",
    created_at: "1970-01-01T00:00:00Z",
    max_input_tokens: expect.any(Number),
    max_tokens: expect.any(Number),
    capabilities: null,
    lifecycle: "active",
    line: null,
    deprecated_at: null,
    retires_at: null,
  });
  expect(await models.retrieve("openai/gpt-of-tomorrow")).toMatchObject({ max_input_tokens: null, max_tokens: null });
});

test("refuses what is not there in Anthropic's words", async () => {
  const { models } = client();
  const missing = await models.retrieve("no-such-model").catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(NotFoundError);
  expect(missing).toMatchObject({ error: { type: "error", error: { type: "not_found_error" } } });
  for (const query of [{ after_id: "no-such-model" }, { before_id: "no-such-model" }, { limit: 0 }]) {
    const refused = await models.list(query).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadRequestError);
    expect(refused).toMatchObject({ error: { type: "error", error: { type: "invalid_request_error" } } });
  }
});

test("knows whose client asks by its headers", async () => {
  const isAnthropics = async (headers: Record<string, string>) =>
    (await http().get("/v1/models", headers)).json.object === undefined;
  expect(await isAnthropics({ "x-api-key": "any" })).toBe(true);
  expect(await isAnthropics({ "anthropic-version": "2023-06-01", authorization: "Bearer any" })).toBe(true);
  expect(await isAnthropics({ "x-api-key": "any", authorization: "Bearer any" })).toBe(false);
  expect(await isAnthropics({})).toBe(false);
});
