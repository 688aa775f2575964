/** The demo's batch: the example prompts over and over, each round asking for something a little different. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { packageFolder } from "../../../src/runtime/package-folder.ts";

/** One of every provider, in turn. */
const models = ["claude-haiku-4-5", "gpt-5-mini", "gemini-3.8-flash"] as const;

const wishes = [
  "",
  "Keep it to one sentence.",
  "Write for a ten-year-old.",
  "Answer as a numbered list.",
  "Begin with the most important word.",
  "Use no word of more than three syllables.",
  "End with a question.",
  "Add one example.",
  "Be a little funny.",
  "Say it as a radio host would.",
] as const;

const seedSchema = z.looseObject({ id: z.string(), system: z.string().optional() });

/** The same count gives the same lines. Returns the ids in their order. */
export async function writeDemoRequests(path: string, count: number): Promise<readonly string[]> {
  const examples = await readFile(join(packageFolder("examples"), "prompts.jsonl"), "utf8");
  const seeds = examples
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => seedSchema.parse(JSON.parse(line)));
  const lines = Array.from({ length: count }, (_unused, at) => {
    const seed = seeds[at % seeds.length];
    const round = Math.floor(at / seeds.length);
    const wish = round === 0 ? "" : `${wishes[round % wishes.length]} (round ${round + 1})`;
    const system = [seed?.system, wish].filter((text) => text !== undefined && text !== "").join(" ");
    // Rounds shift the models, so that every prompt meets every provider.
    const model = models[(at + round) % models.length];
    return { ...seed, id: `${seed?.id}-${round + 1}`, model, ...(system === "" ? {} : { system }) };
  });
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return lines.map((line) => line.id);
}
