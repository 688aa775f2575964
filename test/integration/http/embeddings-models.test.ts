/** OpenAI's own client, unchanged, against `/v1/embeddings` and `/v1/models`. */
import { NotFoundError } from "openai";
import { describe, expect, it } from "vitest";
import { useHttp } from "../../support/http.ts";
import { apiError, openaiOf } from "../../support/openai.ts";
import { againstOpenai } from "../../support/openai-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services, {
  workers: true,
  environment: { GOOGLE_API_KEY: "" },
  settings: { models: { house: ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"] } },
});
const model = "text-embedding-3-small";

describe("/v1/embeddings", () => {
  it("brings the same vectors as numbers and as base64, which the client unpacks by itself", async () => {
    const client = openaiOf(http());
    const input = ["one", "two"];

    const usual = await client.embeddings.create({ model, input, dimensions: 8 });
    const numbers = await client.embeddings.create({ model, input, dimensions: 8, encoding_format: "float" });
    const packed = await http().send("POST", "/v1/embeddings", { model, input: "one", encoding_format: "base64" });

    expect(againstOpenai("CreateEmbeddingResponse", numbers)).toEqual([]);
    expect(numbers.data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 8],
      [1, 8],
    ]);
    expect(numbers.usage.total_tokens).toBeGreaterThan(0);
    for (const [at, { embedding }] of usual.data.entries()) {
      expect(embedding).toHaveLength(8);
      for (const [place, value] of embedding.entries())
        expect(value).toBeCloseTo(numbers.data[at]?.embedding[place] ?? 9, 6);
    }
    expect(packed.json.data[0].embedding).toMatch(/^[\w+/]+=*$/);
  });

  it.each([
    [{ input: [1, 2] }, "input[0]"],
    [{ input: "" }, "input"],
    [{ input: "x", encoding_format: "hex" }, "encoding_format"],
    [{ input: "x", truncate: true }, "truncate"],
  ])("%j is refused by name", async (more, param) => {
    const { status, json } = await http().send("POST", "/v1/embeddings", { model, ...more });

    expect([status, json.error.param]).toEqual([400, param]);
  });

  it("a model for something else is refused with one that could", async () => {
    const failed = await apiError(openaiOf(http()).embeddings.create({ model: "gpt-5-mini", input: "x" }));

    expect(failed).toMatchObject({ status: 400, code: "unable", message: expect.stringContaining("text-embedding") });
  });
});

describe("/v1/models", () => {
  it("lists what this fleet has a key for, by every name under which it can be asked", async () => {
    const page = await openaiOf(http()).models.list();
    const names: string[] = [];
    for await (const { id } of page) names.push(id);

    expect(againstOpenai("ListModelsResponse", (await http().get("/v1/models")).json)).toEqual([]);
    expect(names).toEqual(
      expect.arrayContaining(["default", "house", "gpt-5-mini", "openai/gpt-5-mini", "claude-haiku-4-5"]),
    );
    expect(names.filter((name) => name.includes("gemini"))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("shows one by its name, also one that only passes through", async () => {
    const client = openaiOf(http());

    expect(await client.models.retrieve("house")).toMatchObject({ id: "house", object: "model", owned_by: "openai" });
    expect(againstOpenai("Model", await client.models.retrieve("openai/gpt-5-mini"))).toEqual([]);
    expect(await client.models.retrieve("openai/gpt-of-tomorrow")).toMatchObject({ owned_by: "openai" });
    for (const nobody of ["no-such-model", "gemini-3.8-flash"]) {
      expect(await apiError(client.models.retrieve(nobody))).toBeInstanceOf(NotFoundError);
    }
  });
});
