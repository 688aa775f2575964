/** The answers of a batch as lines of text, in input order, a page at a time. */
import type { LineShape } from "../../src/ledger/accept.ts";
import { type BatchLine, batchLines } from "../../src/ledger/batch-results.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { anthropicAnswer } from "./anthropic-answer.ts";
import { openaiAnswer } from "./openai-answer.ts";
import { plainAnswer } from "./plain-answer.ts";

/** Each line is answered in the wire it came in. */
export const answerLine = (line: BatchLine): string => JSON.stringify(answers[line.shape](line));

const answers: Readonly<Record<LineShape, (line: BatchLine) => object>> = {
  openai: openaiAnswer,
  "openai-response": openaiAnswer,
  anthropic: anthropicAnswer,
  plain: plainAnswer,
};

export interface AnswerPage {
  /** One JSON text an answer, without line feeds. */
  readonly answers: readonly string[];
  /** The last line looked at: where the next page begins. */
  readonly upTo: number;
}

const pageLines = 100;
const lightChars = 512 * 1_024;

/** Pages are as long as they are light: short at first, and shorter again when one was heavy. */
export function openPageSize() {
  let lines = 20;
  return {
    lines: () => lines,
    /** After each page, the characters of its answers. */
    had(chars: number) {
      lines = chars > lightChars ? Math.max(1, lines >> 1) : Math.min(pageLines, lines * 2);
    },
  };
}

export interface LinePage extends AnswerPage {
  /** Those of the answers, in their order. */
  readonly lines: readonly BatchLine[];
}

/** The lines behind `from` with their answers. */
export async function* linePages(
  ledger: Ledger,
  batchId: string,
  only?: "finished" | "failed" | "succeeded",
  from = 0,
): AsyncGenerator<LinePage> {
  const size = openPageSize();
  for (let afterLine = from; ; ) {
    const limit = size.lines();
    const lines = await batchLines(ledger, batchId, { afterLine, limit, ...(only === undefined ? {} : { only }) });
    const last = lines.at(-1);
    if (last === undefined) return;
    afterLine = last.lineNo;
    const answers = lines.map(answerLine);
    yield { lines, answers, upTo: afterLine };
    size.had(answers.reduce((sum, text) => sum + text.length, 0));
  }
}

/** What is finished behind a line, or only what failed or succeeded of it. Nothing is held whole. */
export const finishedAnswers = (
  ledger: Ledger,
  batchId: string,
  only: "finished" | "failed" | "succeeded",
  from = 0,
): AsyncGenerator<AnswerPage> => linePages(ledger, batchId, only, from);

/** The answers that follow line `afterLine` without a gap: up to the first line that is not finished. */
export async function nextAnswers(ledger: Ledger, batchId: string, afterLine: number): Promise<AnswerPage> {
  const page = await batchLines(ledger, batchId, { afterLine, limit: pageLines });
  const open = page.findIndex((line) => !isTerminal(line.state));
  const ready = open === -1 ? page : page.slice(0, open);
  return { answers: ready.map(answerLine), upTo: ready.at(-1)?.lineNo ?? afterLine };
}
