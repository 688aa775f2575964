/** One request of an Anthropic message batch: `{custom_id, params}`, where params is the body of a message. Pure. */
import { z } from "zod";
import type { Line } from "../jsonl/lines.ts";
import type { ParsedLine } from "../jsonl/parsed-line.ts";
import { readAnthropicMessages } from "../wire/anthropic-messages.ts";
import { depthComplaint, pathOf, type Read, read } from "../wire/complaint.ts";

const frameSchema = z.strictObject({
  custom_id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: "must be 1 to 64 letters, digits, _ and -" }),
  params: z.looseObject({ stream: z.literal(false, { error: "must not be true in a batch" }).nullish() }),
});

/** `at` is where it stands, such as `requests[3]`. */
export function readAnthropicRequest(value: unknown, at: string): Read<ParsedLine> {
  const deep = depthComplaint(value);
  if (deep !== undefined) return { ok: false, reason: `${at || "the line"} ${deep}` };
  const frame = read(frameSchema, value, at);
  if (!frame.ok) return frame;
  const { stream: _never, ...params } = frame.value.params;
  const body = readAnthropicMessages(params, pathOf(at, ["params"]));
  if (!body.ok) return body;
  return {
    ok: true,
    value: { customId: frame.value.custom_id, shape: "anthropic", priority: "bulk", body: body.value },
  };
}

/** The same as a line of the file that a batch is kept in until its lines are rows. */
export function readAnthropicLine(line: Line): Read<ParsedLine> {
  return line.readable ? readAnthropicRequest(JSON.parse(line.text), "") : { ok: false, reason: line.reason };
}
