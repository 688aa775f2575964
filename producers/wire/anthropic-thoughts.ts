/**
 * Thoughts on Anthropic's wire, both ways. A block there has a seal and no word for who made it; so that a thought comes back
 * to its own provider, a seal of another one begins with its name and a colon, which no seal of Anthropic's has.
 */
import { z } from "zod";
import { cipherIn, hiddenSeal } from "../../src/provider/adapters/anthropic/content.ts";
import type { ReasoningPart } from "../../src/request/parts.ts";
import { type Read, read } from "./complaint.ts";

const wireOwner = "anthropic";

const thoughtSchema = z.object({ thinking: z.string(), signature: z.string().nullish() });

export function readThought(value: unknown, at: string): Read<ReasoningPart> {
  const block = read(thoughtSchema, value, at);
  if (!block.ok) return block;
  return { ok: true, value: { type: "reasoning", text: block.value.thinking, ...sealIn(block.value.signature ?? "") } };
}

const hiddenSchema = z.object({ data: z.string().min(1) });

export function readHiddenThought(value: unknown, at: string): Read<ReasoningPart> {
  const block = read(hiddenSchema, value, at);
  if (!block.ok) return block;
  const signature = hiddenSeal(block.value.data);
  return { ok: true, value: { type: "reasoning", text: "", provider: wireOwner, signature } };
}

function sealIn(seal: string): Pick<ReasoningPart, "provider" | "signature"> {
  const [, provider, signature] = /^([^:]*):(.*)$/s.exec(seal) ?? [undefined, wireOwner, seal];
  if (seal === "" || provider === undefined || signature === undefined) return {};
  return { ...(provider === "" ? {} : { provider }), ...(signature === "" ? {} : { signature }) };
}

export function thoughtBlock(part: ReasoningPart) {
  const cipher = part.provider === wireOwner ? cipherIn(part.signature ?? "") : undefined;
  if (cipher !== undefined) return { type: "redacted_thinking" as const, data: cipher };
  return { type: "thinking" as const, thinking: part.text, signature: sealOf(part) };
}

/** What a block's `signature` says; empty where nobody sealed it. */
function sealOf({ provider = "", signature = "" }: Pick<ReasoningPart, "provider" | "signature">): string {
  if (provider === wireOwner) return signature;
  return provider === "" && signature === "" ? "" : `${provider}:${signature}`;
}
