/**
 * Whose model it is, from its id: `us.anthropic.claude-…`, `amazon.nova-lite-v1:0`, an ARN that ends in one. What the
 * Converse API leaves to each family differs [D]. An inference profile of one's own says nothing: `unknown`.
 */
export type Family = "claude" | "nova" | "titan" | "llama" | "gpt-oss" | "other" | "unknown";

export function familyOf(model: string): Family {
  const [, vendor, name] = /(?:^|[./])(anthropic|amazon|meta|openai)\.([a-z][\w-]*)/.exec(model) ?? [];
  if (vendor === undefined || name === undefined) return /^[a-z]\w*\./.test(model) ? "other" : "unknown";
  if (vendor === "amazon") return name.startsWith("nova") ? "nova" : "titan";
  return vendor === "anthropic" ? "claude" : vendor === "meta" ? "llama" : "gpt-oss";
}

/** A hint of the cache is dropped where it would be refused. */
export const takesCachePoints = (family: Family): boolean => ["claude", "nova", "unknown"].includes(family);

/** Those that know no output format are told in words. */
export function takesSchemas(model: string, family: Family): boolean {
  if (family === "claude") return !/claude-(?:[123]\b|instant|v\d|(?:opus|sonnet)-4(?:-[01]\b|-\d{8}))/.test(model);
  return family === "gpt-oss" || family === "other" || family === "unknown";
}
