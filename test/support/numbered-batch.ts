/** A batch of numbered lines through OpenAI's own client, from its upload to its answers. */
import { setTimeout as sleep } from "node:timers/promises";
import type OpenAI from "openai";
import { toFile } from "openai";

/** `words` times a few words make it longer. */
export const numberedLine = (at: number, words: number): string =>
  `${JSON.stringify({
    custom_id: `line-${at}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: {
      model: "claude-haiku-4-5",
      messages: [{ role: "user", content: `Question ${at}: ${"what turns the wheel ".repeat(words)}` }],
      max_tokens: 5,
    },
  })}\n`;

export interface Answered {
  readonly completed: number;
  /** Answers in the output file; each custom_id once, when there are as many different ones. */
  readonly answers: number;
  readonly different: number;
  /** Answers that stand behind one of a later line. */
  readonly misplaced: number;
}

/** Uploads `count` lines, short ones unless told otherwise, waits for the end of their batch and reads what was answered. */
export async function runNumbered(client: OpenAI, count: number, withinMs: number, words = 4): Promise<Answered> {
  const text = Array.from({ length: count }, (_unused, at) => numberedLine(at, words)).join("");
  const file = await toFile(Buffer.from(text), "in.jsonl");
  const { id: input } = await client.files.create({ file, purpose: "batch" });
  const terms = { endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
  const { id } = await client.batches.create({ input_file_id: input, ...terms });
  const done = await ended(client, id, withinMs);
  const output = await (await client.files.content(done.output_file_id ?? "")).text();
  const numbers = [...output.matchAll(/^\{"id":"batch_req_\w+","custom_id":"line-(\d+)"/gm)].map(([, at]) =>
    Number(at),
  );
  return {
    completed: done.request_counts?.completed ?? 0,
    answers: numbers.length,
    different: new Set(numbers).size,
    misplaced: numbers.filter((number, at) => number < (numbers[at - 1] ?? 0)).length,
  };
}

/** A client that asks a hundred times a second would take memory, too. */
const askEveryMs = 500;

async function ended(client: OpenAI, id: string, withinMs: number): Promise<OpenAI.Batch> {
  const until = Date.now() + withinMs;
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (batch.status === "completed") return batch;
    const words = JSON.stringify(batch);
    if (batch.status === "failed" || batch.status === "expired") throw new Error(`it ended otherwise: ${words}`);
    if (Date.now() > until) throw new Error(`it has not ended within ${withinMs} ms: ${words}`);
    await sleep(askEveryMs);
  }
}
