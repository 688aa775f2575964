import type { Usage } from "../../src/request/usage.ts";

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Every count that is known, in snake_case; both sides always, null where unknown. Null when nothing is known at all. */
export function usageJson(usage: Usage): Readonly<Record<string, number | null>> | null {
  const counts = Object.fromEntries(
    Object.entries(usage).flatMap(([name, count]) => (count === undefined ? [] : [[snake(name), count]])),
  );
  if (Object.keys(counts).length === 0) return null;
  return isByTokens(usage) ? { input_tokens: null, output_tokens: null, ...counts } : counts;
}

/** Sound and characters are billed by their length, and then there are no tokens to know. */
const isByTokens = ({ audioSeconds, characters, inputTokens, outputTokens }: Usage): boolean =>
  (audioSeconds === undefined && characters === undefined) || inputTokens !== undefined || outputTokens !== undefined;
