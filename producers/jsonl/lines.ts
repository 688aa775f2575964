/**
 * Lines out of byte chunks. Memory is bounded by the longest accepted line, however the bytes are cut: a longer line is
 * measured and dropped as it passes. A chunk is used up before the next one is asked for, so its buffer may be reused.
 */

/** A longer line is refused. The longest body is as long (`maxBodyBytes`), so nothing that could run is lost. */
export const maxLineBytes = 32 * 1024 * 1024;

export type Line =
  /** `ended`: a line feed followed; only a file's last line may lack it. Never blank. */
  | { readonly readable: true; readonly no: number; readonly text: string; readonly ended: boolean }
  | { readonly readable: false; readonly no: number; readonly reason: string };

/** Numbers count from 1 and count blank lines, which are skipped. CRLF and a byte order mark are taken off. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longest: number = maxLineBytes,
): AsyncGenerator<Line> {
  const partial = openPartial(longest);
  let no = 1;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(lineFeed); to !== -1; to = chunk.indexOf(lineFeed, from)) {
      partial.add(chunk.subarray(from, to));
      const line = lineOf(no, partial.take(), true, longest);
      if (line !== undefined) yield line;
      no += 1;
      from = to + 1;
    }
    partial.keep(chunk.subarray(from));
  }
  const last = lineOf(no, partial.take(), false, longest);
  if (last !== undefined) yield last;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

type Taken = { readonly bytes: Uint8Array } | { readonly tooLong: number };

/** The line under way. */
function openPartial(longest: number) {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array) => {
    length += piece.length;
    if (length > longest) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  return {
    /** A piece that is taken before its chunk goes. */
    add,
    /** A piece that outlives its chunk. */
    keep: (piece: Uint8Array) => add(length + piece.length > longest ? piece : Uint8Array.from(piece)),
    take(): Taken {
      const [first] = pieces;
      const taken: Taken =
        length > longest
          ? { tooLong: length }
          : { bytes: pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces) };
      pieces = [];
      length = 0;
      return taken;
    },
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function lineOf(no: number, taken: Taken, ended: boolean, longest: number): Line | undefined {
  if ("tooLong" in taken) {
    const reason = `is ${mebibytes(taken.tooLong)} long; the longest accepted is ${mebibytes(longest)}`;
    return { readable: false, no, reason };
  }
  const foreign = no === 1 ? foreignStart(taken.bytes) : undefined;
  if (foreign !== undefined) return { readable: false, no, reason: foreign };
  const text = decoded(trimmed(taken.bytes, no === 1));
  if (text === undefined) return { readable: false, no, reason: "is not UTF-8 text" };
  return /\S/.test(text) ? { readable: true, no, text, ended } : undefined;
}

/** What the first bytes of a file say that cannot be read as JSON lines at all. */
function foreignStart(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0x1f && second === 0x8b) return "is compressed (gzip); unpack the file first";
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "is UTF-16; save the file as UTF-8";
  }
  return undefined;
}

function trimmed(bytes: Uint8Array, isFirst: boolean): Uint8Array {
  const start = isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  return bytes.subarray(start, Math.max(start, end));
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1).replace(/\.0$/, "")} MiB`;
