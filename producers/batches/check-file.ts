/** The first reading of an uploaded batch file: every line is judged, nothing is stored. */

import type { Config } from "../../src/config/config.ts";
import { verdictOn } from "../../src/intake/order.ts";
import type { LineError } from "../../src/ledger/hosted-batches.ts";
import type { Body } from "../../src/request/body.ts";
import type { Input } from "../jsonl/input.ts";
import { type Line, readLines } from "../jsonl/lines.ts";
import { openSeenIds } from "../jsonl/seen-ids.ts";
import type { JudgedLine } from "./openai-input.ts";

export interface FileRules {
  readonly config: Config;
  readonly judge: (line: Line) => JudgedLine;
  readonly mostLines: number;
  /** No longer wanted: what is found so far is the answer. */
  readonly stop: AbortSignal;
}

export interface CheckedFile {
  readonly lines: number;
  /** The first hundred bad lines, and how many more there are. */
  readonly errors: readonly LineError[];
}

const shownErrors = 100;

export async function checkFile(input: Pick<Input, "chunks">, rules: FileRules): Promise<CheckedFile> {
  const errors: LineError[] = [];
  const ids = openSeenIds();
  let lines = 0;
  let bad = 0;
  for await (const line of readLines(input.chunks())) {
    if (rules.stop.aborted) break;
    lines += 1;
    if (lines > rules.mostLines) return { lines, errors: [tooMany(rules.mostLines)] };
    const error = errorOf(line);
    if (error === undefined) continue;
    bad += 1;
    if (errors.length < shownErrors) errors.push(error);
  }
  if (lines === 0) return { lines, errors: [empty] };
  return { lines, errors: bad > errors.length ? [...errors, moreErrors(bad - errors.length)] : errors };

  function errorOf(line: Line): LineError | undefined {
    const judged = rules.judge(line);
    if (!judged.ok) return judged.error;
    const { customId, body } = judged.value;
    const refused = refusalOf(rules.config, body, line.no);
    if (refused !== undefined) return refused;
    const twin = ids.firstLine(customId, line.no);
    return twin === undefined ? undefined : duplicate(customId, twin, line.no);
  }
}

/** Why nobody can run it. */
export function refusalOf(config: Config, body: Body, line: number): LineError | undefined {
  const { refusal } = verdictOn(config, { body });
  if (refusal === undefined) return undefined;
  const { code, message } = refusal;
  if (code !== "unknown_model") return { code, message, param: "body", line };
  const supported = `The provided model '${body.model}' is not supported by the Batch API.`;
  return { code: "model_not_found", message: `${supported} ${message}`, param: "body.model", line };
}

const duplicate = (id: string, twin: number, line: number): LineError => ({
  code: "duplicate_custom_id",
  message: `The custom_id ${JSON.stringify(id)} of line ${twin} is used again; each must be unique in its batch.`,
  param: "custom_id",
  line,
});

const ofFile = (code: string, message: string): LineError => ({ code, message, param: null, line: null });
const empty = ofFile("empty_file", "The input file holds no requests.");
const tooMany = (most: number) => ofFile("too_many_tasks", `The input file holds more than ${most} requests.`);
const moreErrors = (count: number) => ofFile("more_errors", `${count} more lines cannot be run.`);
