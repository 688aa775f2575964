import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Line, readLines } from "../../../producers/jsonl/lines.ts";

/** The bytes in pieces that all lie in one buffer, which is wiped behind each: what a file reader may do. */
async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.max(1, ...sizes));
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1;
    const part = bytes.subarray(at, at + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    buffer.fill("?");
    at += size;
  }
}

async function linesOf(
  content: string | Uint8Array,
  sizes: readonly number[] = [7],
  longest?: number,
): Promise<Line[]> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const lines: Line[] = [];
  for await (const line of readLines(pieces(bytes, sizes), longest)) lines.push(line);
  return lines;
}

const text = (no: number, content: string, ended = true): Line => ({ readable: true, no, text: content, ended });

describe("lines of a file", () => {
  it("are the same however the bytes are cut", async () => {
    const line = fc.string({ unit: "binary", maxLength: 40 }).map((content) => content.replaceAll(/[\r\n]/g, ""));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
        async (contents, ending, lastEnded, sizes) => {
          const file = contents.join(ending) + (lastEnded ? ending : "");
          // A byte order mark of the first line's own is taken off like any other.
          const expected = contents.flatMap((content, at) => {
            const bare = at === 0 ? content.replace(/^\uFEFF/, "") : content;
            return /\S/.test(bare) ? [text(at + 1, bare, lastEnded || at < contents.length - 1)] : [];
          });
          expect(await linesOf(file, sizes)).toEqual(expected);
        },
      ),
    );
  });

  it("lose a byte order mark and carriage returns", async () => {
    expect(await linesOf('\uFEFF{"a":1}\r\n{"b":2}\r\n', [1])).toEqual([text(1, '{"a":1}'), text(2, '{"b":2}')]);
  });

  it("count blank lines and skip them", async () => {
    expect(await linesOf("\n  \t\r\na\n\nb")).toEqual([text(3, "a"), text(5, "b", false)]);
  });

  it("say whether a line feed ended the last one", async () => {
    expect(await linesOf("a\nb")).toEqual([text(1, "a"), text(2, "b", false)]);
    expect(await linesOf("")).toEqual([]);
    expect(await linesOf("\uFEFF")).toEqual([]);
  });

  it("longer than allowed are measured, not kept, and do not harm their neighbours", async () => {
    const long = "x".repeat(3 * 1024 * 1024);
    const lines = await linesOf(`a\n${long}\nb`, [64 * 1024], 1024 * 1024);
    expect(lines).toEqual([
      text(1, "a"),
      { readable: false, no: 2, reason: "is 3 MiB long; the longest accepted is 1 MiB" },
      text(3, "b", false),
    ]);
  });

  it("of ten megabytes pass", async () => {
    const long = "é".repeat(5 * 1024 * 1024);
    expect(await linesOf(`${long}\nb\n`, [256 * 1024])).toEqual([text(1, long), text(2, "b")]);
  });

  it("that are not UTF-8 are said to be so", async () => {
    const bytes = Buffer.concat([Buffer.from("a\n"), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from("b\n")]);
    expect(await linesOf(bytes)).toEqual([
      text(1, "a"),
      { readable: false, no: 2, reason: "is not UTF-8 text" },
      text(3, "b"),
    ]);
  });

  it("of UTF-16 and gzip files are named for what they are", async () => {
    const [utf16] = await linesOf(Buffer.from('\uFEFF{"prompt":"a"}', "utf16le"));
    expect(utf16).toMatchObject({ readable: false, no: 1, reason: "is UTF-16; save the file as UTF-8" });
    const [gzip] = await linesOf(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]));
    expect(gzip).toMatchObject({ readable: false, reason: "is compressed (gzip); unpack the file first" });
  });
});
