/** The examples as they stand: they compile with the tests, and do what they say. */
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
import { workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function said(run: () => Promise<unknown>): Promise<string> {
  const simulator = await startSimulator({ outputTokens: { p50: 20, p99: 40 } });
  onTestFinished(() => simulator.close());
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const folder = workFolder();
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  const words: string[] = [];
  vi.spyOn(console, "log").mockImplementation((...some) => void words.push(some.join(" ")));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    words.push(String(text));
    return true;
  });
  await run();
  vi.restoreAllMocks();
  return words.join("\n");
}

it("library.ts gets an answer and stores a request for later", async () => {
  const words = await said(() => import("../../../examples/library.ts"));

  expect(words).toMatch(/— anthropic\/claude-haiku-4-5, cost \$0\.\d+/);
  expect(words).toMatch(/accepted [\da-f-]{36}/);
});

it("stream.ts says an answer as it comes, and one in its form", async () => {
  const words = await said(() => import("../../../examples/stream.ts"));

  expect(words).toMatch(/— anthropic\/claude-haiku-4-5/);
  expect(words.trim().split("\n").at(-1)).toMatch(/ \d/);
});

it("batch.ts asks many things and tells the answers in order", async () => {
  const words = await said(() => import("../../../examples/batch.ts"));

  expect(words.match(/^\w+(?=: )/gm)).toEqual(["Severn", "Wye", "Usk", "Teifi", "Towy"]);
  expect(words).toContain("5 of 5 answered");
});
