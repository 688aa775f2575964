/** The `Range` header of one range; several, or another unit, are answered with the whole. Pure. */
export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

export function rangeIn(header: string | undefined, bytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") return within(Math.max(0, bytes - Number(to)), bytes - 1, bytes);
  return within(Number(from), to === "" ? bytes - 1 : Number(to), bytes);
}

function within(start: number, end: number, bytes: number): ByteRange | "unsatisfiable" | undefined {
  if (start >= bytes) return "unsatisfiable";
  return end < start ? undefined : { start, end: Math.min(end, bytes - 1) };
}
