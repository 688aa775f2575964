/** JSON for people and programs: nano-dollars and other big integers as strings, for JSON numbers would round them. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_key, field: unknown) => (typeof field === "bigint" ? field.toString() : field), indent);
