import fc from "fast-check";
import { expect, it } from "vitest";
import { openSeenIds } from "../../../producers/jsonl/seen-ids.ts";

it("an id is known by its first line, whatever it is and however many there are", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 3_000 }), (ids) => {
      const seen = openSeenIds();
      const first = new Map<string, number>();
      for (const [at, id] of ids.entries()) {
        expect(seen.firstLine(id, at + 1)).toBe(first.get(id));
        if (!first.has(id)) first.set(id, at + 1);
      }
    }),
    { numRuns: 50 },
  );
});

it("a hundred thousand ids grow the table and stay known", () => {
  const seen = openSeenIds();
  const many = 100_000;
  for (let line = 1; line <= many; line += 1) expect(seen.firstLine(`request-${line}`, line)).toBeUndefined();
  for (let line = 1; line <= many; line += 997) expect(seen.firstLine(`request-${line}`, many + line)).toBe(line);
});
