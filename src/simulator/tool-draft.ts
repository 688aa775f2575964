/**
 * Which tools an answer calls. A prompt orders calls with `[tool NAME {"some": "json"}]`, one mark for each; without JSON the
 * input is a sample of the tool's schema. A caller that demands a call and orders none gets one with such a sample.
 */
import { sample } from "./sample.ts";
import type { AskedTool, Wish } from "./wish.ts";

export interface DraftCall {
  readonly name: string;
  /** JSON; broken where a fault says so. */
  readonly input: string;
}

export function callsFor({ tools, must, single, hasResult }: Wish, text: string, seed: number): readonly DraftCall[] {
  if (hasResult || tools.length === 0) return [];
  const ordered = orderedCalls(text).flatMap(({ name, input }) => {
    const tool = tools.find((candidate) => candidate.name === name);
    return tool === undefined ? [] : [{ name, input: input ?? sampled(tool, seed) }];
  });
  const wanted = typeof must === "object" ? tools.find(({ name }) => name === must.name) : tools[0];
  const fitting = typeof must === "object" ? ordered.filter(({ name }) => name === must.name) : ordered;
  const calls =
    fitting.length === 0 && must !== undefined && wanted !== undefined
      ? [{ name: wanted.name, input: sampled(wanted, seed) }]
      : fitting;
  return single ? calls.slice(0, 1) : calls;
}

const sampled = ({ schema }: AskedTool, seed: number): string => JSON.stringify(sample(schema, seed));

interface OrderedCall {
  readonly name: string;
  readonly input: string | undefined;
}

/** Every mark of a prompt, in order. What is no JSON up to a closing bracket is no mark. */
function orderedCalls(text: string): readonly OrderedCall[] {
  return [...text.matchAll(/\[tool ([\w-]{1,64})(\]| \{)/g)].flatMap((match): readonly OrderedCall[] => {
    const [whole, name = "", end] = match;
    if (end === "]") return [{ name, input: undefined }];
    const input = jsonAt(text, match.index + whole.length - 1);
    return input === undefined ? [] : [{ name, input }];
  });
}

/** Longest input that is looked for, in characters. */
const longest = 4_096;

function jsonAt(text: string, from: number): string | undefined {
  const part = text.slice(from, from + longest);
  for (let end = part.indexOf("}]"); end !== -1; end = part.indexOf("}]", end + 1)) {
    const json = part.slice(0, end + 1);
    if (isJson(json)) return json;
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
