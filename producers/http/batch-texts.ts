import type { AnswerPage } from "../jsonl/results.ts";

/** Pages of answers as they go over the wire: one JSON text a line. */
export async function* textsOf(pages: AsyncIterable<AnswerPage>): AsyncGenerator<string> {
  for await (const { answers } of pages) yield answers.map((answer) => `${answer}\n`).join("");
}
