/**
 * What a part of a message adds to a request's text. Text is itself; a tool's call or result is its JSON; a medium is its
 * kind and its size, so that a larger one costs more input.
 */
export function partText(part: Readonly<Record<string, unknown>>): string {
  if (typeof part.text === "string") return part.text;
  const json = JSON.stringify(part);
  const kind = typeof part.type === "string" ? part.type : (Object.keys(part)[0] ?? "part");
  return /tool|function/i.test(kind) ? json : `(${kind} of ${json.length} characters${" ".repeat(json.length / 64)})`;
}
