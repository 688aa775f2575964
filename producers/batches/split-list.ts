/**
 * The items of one list inside a JSON object that may be much longer than memory: bytes come in, and each item is given out
 * as soon as it has ended. Only the brackets around the items are looked at here; an item is JSON for whoever parses it.
 */
export type SplitPiece = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

export interface SplitRules {
  /** Name of the list, a field of the object. */
  readonly field: string;
  readonly longestBytes: number;
}

/** Ends after the first piece that is not ok. Fields beside the list are skipped; a list that is not there is empty. */
export async function* splitList(
  chunks: AsyncIterable<Uint8Array>,
  { field, longestBytes }: SplitRules,
): AsyncGenerator<SplitPiece> {
  const item = openItem();
  let depth = 0;
  let inString = false;
  let escaped = false;
  let key = "";
  let isList = false;
  let ended = false;
  const bad = (reason: string): SplitPiece => ({ ok: false, reason });
  const isItem = () => isList && depth >= 2;

  for await (const chunk of chunks) {
    let from = item.isOpen() ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
        // A longer one is another key, or a value.
        if (depth === 1 && inString && key.length <= field.length) key += String.fromCharCode(byte);
        continue;
      }
      if (isSpace(byte)) continue;
      if (ended) return yield bad("the body goes on after its end");
      if (depth === 0 && byte !== openBrace) return yield bad("the body is not a JSON object");
      if (byte === quote) {
        if (isItem() && depth === 2) return yield bad(`${field} must be a list of objects`);
        inString = true;
        if (depth === 1) key = "";
      } else if (byte === openBrace || byte === openBracket) {
        if (depth === 1 && key === field) {
          if (byte !== openBracket) return yield bad(`${field} must be a list`);
          isList = true;
        } else if (isList && depth === 2) {
          if (byte !== openBrace) return yield bad(`${field} must be a list of objects`);
          from = at;
          item.begin();
        }
        depth += 1;
      } else if (byte === closeBrace || byte === closeBracket) {
        depth -= 1;
        if (isList && depth === 2 && item.isOpen()) {
          item.add(chunk.subarray(from, at + 1));
          from = -1;
          yield { ok: true, text: item.end() };
        }
        if (depth === 1) isList = false;
        ended = depth === 0;
      } else if (isList && depth === 2 && byte !== comma) {
        return yield bad(`${field} must be a list of objects`);
      }
    }
    if (from >= 0) item.add(Uint8Array.from(chunk.subarray(from)));
    if (item.length() > longestBytes) return yield bad(`an item of ${field} is longer than ${longestBytes} bytes`);
  }
  if (!ended) yield bad("the body is cut off, or is not JSON");
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The item under way. */
function openItem() {
  let pieces: Uint8Array[] | undefined;
  let length = 0;
  return {
    isOpen: () => pieces !== undefined,
    length: () => length,
    begin() {
      pieces = [];
      length = 0;
    },
    add(piece: Uint8Array) {
      pieces?.push(piece);
      length += piece.length;
    },
    end(): string {
      const text = Buffer.concat(pieces ?? []).toString("utf8");
      pieces = undefined;
      length = 0;
      return text;
    },
  };
}
