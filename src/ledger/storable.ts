/** As JSON writes them: a NUL, which Postgres text does not hold, and halves of surrogate pairs, which it refuses. */
const unstorable = /\\u(?:0000|d[89a-f])/;

/** JSON that Postgres takes apart without an error, whatever providers and callers said. */
export function storable(row: object): string {
  const json = JSON.stringify(row);
  if (!unstorable.test(json)) return json;
  const clean = (text: string) => Buffer.from(text.replaceAll("\u0000", "")).toString();
  return JSON.stringify(row, (_key, value: unknown) => (typeof value === "string" ? clean(value) : value));
}
