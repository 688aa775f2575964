/** Tool calls of an answer, whole or put together from pieces. */
import { z } from "zod";
import type { Delta } from "../../../request/delta.ts";
import { type ToolCallPart, toolInput } from "../../../request/parts.ts";
import { jsonOrText } from "../../error-answer.ts";
import { type GrowingText, growingText } from "../../growing-text.ts";

/** Some servers say no id, and no index where there is one call. */
export const toolCallsSchema = z
  .array(
    z.object({
      index: z.number().int().nullish(),
      id: z.string().nullish(),
      function: z.object({ name: z.string().nullish(), arguments: z.unknown().optional() }).nullish(),
    }),
  )
  .nullish();
export type WirePieces = z.infer<typeof toolCallsSchema>;

export interface WrittenCall {
  readonly id: string;
  readonly name: string;
  /** JSON, as far as it has come. */
  readonly input: string;
}

export interface ToolCalls {
  /** Takes the pieces of one event in and says them in our words. */
  take(pieces: WirePieces): readonly Delta[];
  written(): readonly WrittenCall[];
}

export function collectToolCalls(): ToolCalls {
  const calls: { id: string; name: string; readonly input: GrowingText }[] = [];
  /** Where each index of the wire stands; an index that comes again with another id is another call. */
  const places = new Map<number, number>();
  const placeOf = (index: number, id: string): number => {
    const known = places.get(index);
    const isNew = known === undefined || (id !== "" && calls[known]?.id !== "" && calls[known]?.id !== id);
    if (!isNew) return known;
    places.set(index, calls.length);
    calls.push({ id: "", name: "", input: growingText() });
    return calls.length - 1;
  };
  return {
    take: (pieces) =>
      (pieces ?? []).flatMap((piece, at): readonly Delta[] => {
        const { id, name } = { id: piece.id ?? "", name: piece.function?.name ?? "" };
        const input = textOf(piece.function?.arguments);
        const index = placeOf(piece.index ?? at, id);
        const call = calls[index];
        if (call === undefined) return [];
        call.id ||= id;
        call.name ||= name;
        call.input.add(input);
        return [{ type: "tool-call", index, ...(id === "" ? {} : { id }), ...(name === "" ? {} : { name }), input }];
      }),
    written: () => calls.map(({ id, name, input }) => ({ id, name, input: input.text() })),
  };
}

/** Arguments are a text of JSON; a few servers send the object itself. */
const textOf = (input: unknown): string =>
  typeof input === "string" ? input : input === undefined || input === null ? "" : JSON.stringify(input);

export type ReadCalls =
  | { readonly ok: true; readonly parts: readonly ToolCallPart[] }
  | { readonly ok: false; readonly message: string };

/** The calls with their input parsed. No arguments at all are an empty object. */
export function readCalls(written: readonly WrittenCall[]): ReadCalls {
  const parts: ToolCallPart[] = [];
  for (const [index, { id, name, input }] of written.entries()) {
    const parsed = objectIn(input);
    if (name === "" || parsed === undefined) {
      return { ok: false, message: `the model called the tool "${name}" with arguments that are no JSON object` };
    }
    parts.push({ type: "tool-call", id: id === "" ? `call_${index}` : id, name, input: parsed });
  }
  return { ok: true, parts };
}

const objectIn = (text: string): z.infer<typeof toolInput> | undefined =>
  text.trim() === "" ? {} : toolInput.safeParse(jsonOrText(text)).data;
