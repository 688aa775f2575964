/** Whether an answer is of the form that was asked for. */
import { type Body, isChat } from "../request/body.ts";
import type { CallOutcome } from "../request/outcome.ts";
import type { ResponseFormat } from "../request/tools.ts";
import { schemaMismatch } from "../runtime/json-schema.ts";

/** The same outcome, or the failure that it is when the answer has another form. */
export function inForm(body: Body, outcome: CallOutcome): CallOutcome {
  // An answer that calls a tool is not yet the one that was asked for.
  if (!outcome.ok || !isChat(body) || outcome.finish.unified === "tool-calls") return outcome;
  const complaint = complaintAbout(outcome.text, body.responseFormat);
  if (complaint === undefined) return outcome;
  const { text, usage, providerRequestId, limits, finish } = outcome;
  const cut = finish.unified === "length" ? ", cut off at the output limit," : "";
  return {
    ok: false,
    failure: { kind: "schema", message: `the answer${cut} ${complaint}` },
    rejected: text,
    usage,
    ...(providerRequestId === undefined ? {} : { providerRequestId }),
    ...(limits === undefined ? {} : { limits }),
  };
}

function complaintAbout(text: string, format: ResponseFormat | undefined): string | undefined {
  if (format === undefined || format.type === "text") return undefined;
  const read = readJson(text);
  if (!read.ok) return "is not JSON";
  if (format.type === "json") {
    return typeof read.value === "object" && read.value !== null && !Array.isArray(read.value)
      ? undefined
      : "is no JSON object";
  }
  try {
    const places = schemaMismatch(format.schema, read.value);
    return places === undefined ? undefined : `does not fit its schema at ${places}`;
  } catch (error) {
    return `cannot be checked: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function readJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}
