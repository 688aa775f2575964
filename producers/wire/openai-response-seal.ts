/** What a provider sealed of its reasoning, with the provider's name, in the one text that the Responses API has for both. */
import { z } from "zod";
import type { ReasoningPart } from "../../src/request/parts.ts";

const mark = "mr1.";
const sealSchema = z.tuple([z.string().nullable(), z.string()]);

/** Null where there is no seal. */
export const sealed = ({ provider, signature }: Pick<ReasoningPart, "provider" | "signature">): string | null =>
  signature === undefined
    ? null
    : mark + Buffer.from(JSON.stringify([provider ?? null, signature])).toString("base64url");

/** Nothing for a text that is no seal of ours. */
export function unsealed(text: string | null | undefined): Pick<ReasoningPart, "provider" | "signature"> {
  if (text === null || text === undefined || !text.startsWith(mark)) return {};
  const { data } = z
    .string()
    .transform((json): unknown => parsed(json))
    .pipe(sealSchema)
    .safeParse(Buffer.from(text.slice(mark.length), "base64url").toString("utf8"));
  if (data === undefined) return {};
  const [provider, signature] = data;
  return { signature, ...(provider === null ? {} : { provider }) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
