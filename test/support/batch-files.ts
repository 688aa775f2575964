import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Simulator } from "../../src/simulator/simulator.ts";

const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-3.8-flash"];

/** `count` plain lines that go to all three providers in turn. */
export const plainLines = (count: number, more: object = {}): readonly string[] =>
  Array.from({ length: count }, (_unused, at) =>
    JSON.stringify({
      id: `plain-${at}`,
      model: models[at % 3],
      prompt: `Tell me about number ${at}.`,
      max_tokens: 20,
      ...more,
    }),
  );

/** `count` OpenAI lines that go to all three providers in turn. */
export const openaiLines = (count: number): readonly string[] =>
  Array.from({ length: count }, (_unused, at) =>
    JSON.stringify({
      custom_id: `openai-${at}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: models[at % 3], messages: [{ role: "user", content: `Number ${at}, please.` }], max_tokens: 20 },
    }),
  );

export function writeLines(folder: string, name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(""));
}

/** The ids of an output file in its order, of either wire. */
export const idsIn = (folder: string, name: string): readonly string[] =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const answer: { id: string; custom_id?: string } = JSON.parse(line);
      return answer.custom_id ?? answer.id;
    });

/** Keys, addresses and limits for a process whose providers are this simulator. */
export const simulated = (simulator: Simulator): Readonly<Record<string, string>> => ({
  ANTHROPIC_API_KEY: "sim-a",
  OPENAI_API_KEY: "sim-o",
  GOOGLE_API_KEY: "sim-g",
  ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
  OPENAI_BASE_URL: simulator.baseUrls.openai,
  GEMINI_BASE_URL: simulator.baseUrls.gemini,
  CLAUDE_RPM: "1000000",
  OPENAI_RPM: "1000000",
  GEMINI_RPM: "1000000",
});
