/** `provider test` of what does not chat: the provider is asked for what it is for. */
import { expect, it } from "vitest";
import { deepgramAnswer, deepgramKey } from "../../conformance/deepgram-wire.ts";
import { elevenlabsAnswer, elevenlabsKey } from "../../conformance/elevenlabs-wire.ts";
import type { Arrival, Reply } from "../../conformance/sound-server.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";
import { soundServer } from "../../support/sound.ts";

const services = useServices();

async function place(variable: string, key: string, answer: (arrival: Arrival) => Reply) {
  const arrivals: Arrival[] = [];
  const server = await soundServer((arrival) => {
    arrivals.push(arrival);
    return answer(arrival);
  });
  const environment = {
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
    [`${variable}_API_KEY`]: key,
    [`${variable}_BASE_URL`]: server.url,
  };
  const options = { cwd: workFolder(), environment };
  return { arrivals, run: (...args: string[]) => runCli(["provider", ...args], options) };
}

it("asks a provider that transcribes for the words in a sound, whole whatever is wished", async () => {
  const { arrivals, run } = await place("DEEPGRAM", deepgramKey, deepgramAnswer);
  const test = await run("test", "deepgram", "--stream");
  const health = await run("health");

  expect(test).toMatchObject({ code: 0, stderr: expect.stringContaining("it comes whole") });
  expect(test.stdout).toMatch(/^The mill turns\. It grinds\.\ndeepgram answers\.\n {2}model {8}nova-3\n/);
  expect(test.stdout).toMatch(/length {7}13 s of sound/);
  expect(arrivals[0]?.body.subarray(0, 4).toString()).toBe("RIFF");
  expect(health.stdout).toMatch(/^deepgram +yes +ok, /m);
});

it("asks a provider that speaks to say something, as a stream where that is wished", async () => {
  const { arrivals, run } = await place("ELEVENLABS", elevenlabsKey, elevenlabsAnswer);
  const test = await run("test", "elevenlabs", "--stream");
  const health = await run("health");

  expect(test.code).toBe(0);
  expect(test.stdout).toMatch(/^elevenlabs answers\./);
  expect(test.stdout).toMatch(/first token {2}\d+ ms/);
  expect(test.stdout).toMatch(/sound {8}\d+ bytes of audio\/mpeg/);
  expect(test.stdout).toMatch(/length {7}15 characters/);
  expect(arrivals.some(({ url }) => url.pathname.endsWith("/stream"))).toBe(true);
  expect(health.stdout).toMatch(/^elevenlabs +yes +ok, /m);
});

it("asks a model that embeds for a vector, and one nobody knows for what it is told", async () => {
  const embedded = { data: [{ index: 0, embedding: [0.1, 0.2, 0.3] }], usage: { prompt_tokens: 4, total_tokens: 4 } };
  const { arrivals, run } = await place("OPENAI", "sk-test-0123456789-abcdWXYZ", () => ({
    headers: { "content-type": "application/json" },
    pieces: [JSON.stringify(embedded)],
  }));
  const known = await run("test", "openai", "--model", "text-embedding-3-small");
  const unknown = await run("test", "openai", "--model", "of-tomorrow", "--operation", "embedding", "--json");

  expect(known.code).toBe(0);
  expect(known.stdout).toMatch(/vector {7}3 numbers/);
  expect(JSON.parse(unknown.stdout)).toMatchObject({ passed: true, request: { state: "succeeded" } });
  expect(arrivals.map(({ url }) => url.pathname)).toEqual(["/embeddings", "/embeddings"]);
});

it("fails where the provider refuses what it is asked", async () => {
  const { run } = await place("DEEPGRAM", "dg-wrong-0123456789", deepgramAnswer);
  const test = await run("test", "deepgram");
  expect(test.code).toBe(1);
  expect(test.stdout).toMatch(/^deepgram did not answer\.\n {2}.*auth: /);
});
