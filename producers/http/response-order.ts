/** The body of `POST /v1/responses`: how it is to be answered, and what is asked, references to earlier answers resolved. */
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { ChatBody } from "../../src/request/body.ts";
import { pathOf, type Read, read, readDocument } from "../wire/complaint.ts";
import { type OutputItem, outputItems, requestOfItem } from "../wire/openai-response-output.ts";
import { readOpenaiResponses } from "../wire/openai-responses.ts";
import type { Caller } from "./callers.ts";
import { find } from "./requests.ts";

export interface ResponseOrder {
  readonly body: ChatBody;
  readonly isStreamed: boolean;
  readonly isBackground: boolean;
}

const howSchema = z.looseObject({
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  input: z.unknown().optional(),
});

export async function readResponseOrder(fleet: Fleet, caller: Caller, value: unknown): Promise<Read<ResponseOrder>> {
  const given = readDocument(howSchema, value);
  if (!given.ok) return given;
  const { stream, background, ...asked } = given.value;
  const input = await resolved(fleet, caller, asked.input);
  if (!input.ok) return input;
  const chat = readOpenaiResponses({ ...asked, input: input.value }, "", "default");
  if (!chat.ok) return chat;
  const isStreamed = stream === true;
  const body = isStreamed ? { ...chat.value, stream: true } : chat.value;
  return { ok: true, value: { body, isStreamed, isBackground: background === true } };
}

const querySchema = z.looseObject({
  stream: z.enum(["true", "false"]).optional(),
  starting_after: z.coerce.number().int().min(0).optional(),
});

export function readResponseQuery(
  value: unknown,
): Read<{ readonly isStreamed: boolean; readonly startingAfter: number | undefined }> {
  const query = read(querySchema, value);
  if (!query.ok) return query;
  return { ok: true, value: { isStreamed: query.value.stream === "true", startingAfter: query.value.starting_after } };
}

const referenceSchema = z.looseObject({ type: z.literal("item_reference"), id: z.string() });
/** Each costs a look at the ledger. */
const mostAnswers = 200;

/** Items that are only referred to, as the answers of earlier requests of this caller's have them. */
async function resolved(fleet: Fleet, caller: Caller, input: unknown): Promise<Read<unknown>> {
  if (!Array.isArray(input)) return { ok: true, value: input };
  const answers = new Map<string, readonly OutputItem[]>();
  const items: unknown[] = [];
  for (const [at, item] of input.entries()) {
    const reference = referenceSchema.safeParse(item);
    if (!reference.success) {
      items.push(item);
      continue;
    }
    const { id } = reference.data;
    const requestId = requestOfItem(id);
    if (requestId !== undefined && !answers.has(requestId) && answers.size < mostAnswers) {
      const result = (await find(fleet, caller, requestId))?.result;
      answers.set(requestId, result === undefined ? [] : outputItems(requestId, result));
    }
    const found = withHidden(answers.get(requestId ?? "") ?? [], id);
    if (found.length === 0) {
      const place = pathOf("input", [at]);
      const reason = `${place}.id names no item of an answer that is kept here; send the item itself`;
      return { ok: false, reason };
    }
    items.push(...found);
  }
  return { ok: true, value: items };
}

/** The item, and what was thought before it that only its provider can read. */
function withHidden(items: readonly OutputItem[], id: string): readonly OutputItem[] {
  const at = items.findIndex((item) => item.id === id);
  if (at < 0) return [];
  let from = at;
  while (from > 0 && items[from - 1]?.id.includes("_e") === true) from -= 1;
  return items.slice(from, at + 1);
}
