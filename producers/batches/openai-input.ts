/** One line of an OpenAI batch file, judged in OpenAI's words: its codes, its parameters, its order of looking. Pure. */
import type { LineError } from "../../src/ledger/hosted-batches.ts";
import type { Line } from "../jsonl/lines.ts";
import { readOpenaiLine } from "../jsonl/openai-line.ts";
import type { LineDefaults, ParsedLine } from "../jsonl/parsed-line.ts";
import { depthComplaint } from "../wire/complaint.ts";

export type JudgedLine =
  | { readonly ok: true; readonly value: ParsedLine }
  | { readonly ok: false; readonly error: LineError };

/** Lines of batches wait for everything else, and name their model themselves. */
export const hostedDefaults: LineDefaults = { model: undefined, priority: "bulk" };

export function judgeOpenaiLine(line: Line, endpoint: string): JudgedLine {
  const bad = (code: string, message: string, param: string | null): JudgedLine => ({
    ok: false,
    error: { code, message, param, line: line.no },
  });
  if (!line.readable) return bad("invalid_json_line", `This line ${line.reason}.`, null);
  const value = parsed(line.text);
  if (!isRecord(value)) return bad("invalid_json_line", "This line is not parseable as valid JSON.", null);
  const deep = depthComplaint(value);
  if (deep !== undefined) return bad("invalid_request", `This line ${deep}.`, null);
  const missing = ["custom_id", "method", "url", "body"].find((name) => value[name] === undefined);
  if (missing !== undefined) {
    return bad("missing_required_parameter", `Missing required parameter: '${missing}'.`, missing);
  }
  const { method, url, body } = value;
  if (method !== "POST") {
    const given = typeof method === "string" ? method : JSON.stringify(method);
    return bad("invalid_value", `Invalid value: '${given.slice(0, 100)}'. Supported values are: 'POST'.`, "method");
  }
  if (url !== endpoint) {
    return bad("invalid_url", "The URL provided for this request does not match the batch endpoint.", "url");
  }
  if (isRecord(body)) {
    if (body["model"] === undefined || body["model"] === null || body["model"] === "") {
      return bad("invalid_request", "Model parameter is required.", "body.model");
    }
    if (body["stream"] === true) return bad("streaming_unsupported", noStreams, "body.stream");
  }
  const read = readOpenaiLine(value, hostedDefaults);
  return read.ok ? read : bad("invalid_request", `Invalid request: ${read.reason}.`, paramIn(read.reason));
}

const noStreams = "Chat Completions: Streaming is not supported in the Batch API.";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reasons begin with the path of the field they speak of. */
const paramIn = (reason: string): string | null => /^(?:unknown field )?"?([\w.[\]]+)/.exec(reason)?.[1] ?? null;
