import fc from "fast-check";
import { expect, it, test } from "vitest";
import { type SplitPiece, splitList } from "../../../producers/batches/split-list.ts";

async function split(text: string, chunkBytes = 7, longestBytes = 10_000): Promise<SplitPiece[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const pieces: SplitPiece[] = [];
  for await (const piece of splitList(chunks(), { field: "requests", longestBytes })) pieces.push(piece);
  return pieces;
}

const item = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));

it("gives out the items of the list, however the bytes are cut and whatever stands beside it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 5 }),
      fc.dictionary(
        fc.string().filter((name) => name !== "requests" && name !== "__proto__"),
        fc.jsonValue({ maxDepth: 2 }),
      ),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1),
      async (requests, others, chunkBytes, space) => {
        const pieces = await split(JSON.stringify({ ...others, requests }, null, space), chunkBytes);
        expect(pieces.map((piece) => (piece.ok ? JSON.parse(piece.text) : piece.reason))).toEqual(
          JSON.parse(JSON.stringify(requests)),
        );
      },
    ),
    { numRuns: 200 },
  );
});

it("holds no more of a text beside the list than the name of the list is long", async () => {
  const long = "x".repeat(30_000_000);
  const before = process.memoryUsage().heapUsed;
  const pieces = await split(JSON.stringify({ a: long, [long]: 1, requests: [{ n: 1 }] }), 1_000_000);
  expect(pieces).toMatchObject([{ ok: true }]);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(500_000_000);
});

test.each([
  ["[]", "not a JSON object"],
  ['{"requests": {}}', "must be a list"],
  ['{"requests": [1]}', "list of objects"],
  ['{"requests": ["a"]}', "list of objects"],
  ['{"requests": [[]]}', "list of objects"],
  ['{"requests": [{"a": 1}', "cut off"],
  ['{"requests": []} {}', "goes on after its end"],
])("%s is said to be wrong", async (text, words) => {
  expect((await split(text)).at(-1)).toMatchObject({ ok: false, reason: expect.stringContaining(words) });
});

it("gives up an item that is too long, without holding it", async () => {
  const pieces = await split(`{"requests": [{"a": 1}, {"b": "${"x".repeat(500)}"}]}`, 7, 100);
  expect(pieces).toMatchObject([
    { ok: true, text: '{"a": 1}' },
    { ok: false, reason: expect.stringContaining("longer") },
  ]);
});
