/** Batches through OpenAI's own client, and what their files say. */
import type OpenAI from "openai";
import { toFile } from "openai";
import { eventually } from "./eventually.ts";
import { openaiOf } from "./openai.ts";

export const openaiClient = (server: { readonly url: string }, apiKey = "any"): OpenAI => openaiOf(server, { apiKey });

export const upload = async (client: OpenAI, lines: readonly string[]): Promise<string> => {
  const content = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  return (await client.files.create({ file: await toFile(content, "in.jsonl"), purpose: "batch" })).id;
};

export async function createBatch(
  client: OpenAI,
  lines: readonly string[],
  more: Partial<OpenAI.BatchCreateParams> = {},
): Promise<OpenAI.Batch> {
  return client.batches.create({
    input_file_id: more.input_file_id ?? (await upload(client, lines)),
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...more,
  });
}

/** The batch once it is in one of these. */
export const inStatus = (
  client: OpenAI,
  id: string,
  ...statuses: readonly OpenAI.Batch["status"][]
): Promise<OpenAI.Batch> =>
  eventually(
    `${id} is ${statuses.join(" or ")}`,
    async () => {
      const batch = await client.batches.retrieve(id);
      return statuses.includes(batch.status) && batch;
    },
    200_000,
  );

export interface AnswerLine {
  readonly id: string;
  readonly custom_id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a document
  readonly response: any;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The lines of an output or error file; none when there is no file. */
export async function linesOf(client: OpenAI, fileId: string | null | undefined): Promise<AnswerLine[]> {
  if (!fileId) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
