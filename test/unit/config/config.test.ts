import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";

const names = [
  { id: "anthropic", environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: ["ANTHROPIC_BASE_URL"] } },
  { id: "gemini", environment: { apiKey: ["GOOGLE_API_KEY", "GEMINI_API_KEY"], baseUrl: ["GEMINI_BASE_URL"] } },
];

it("a process' settings are read once, frozen, with each provider's key or the name of what is missing", () => {
  const folder = join(tmpdir(), "no settings here");
  const config = loadConfig(names, folder, { GEMINI_API_KEY: "g", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" });
  expect(Object.isFrozen(config)).toBe(true);
  expect(config.home).toBe(join(folder, ".millrace"));
  expect(config.credentials).toEqual(
    new Map([
      ["anthropic", { apiKey: undefined, baseUrl: "http://127.0.0.1:1", variable: "ANTHROPIC_API_KEY" }],
      ["gemini", { apiKey: "g", baseUrl: undefined, variable: "GOOGLE_API_KEY" }],
    ]),
  );
});
