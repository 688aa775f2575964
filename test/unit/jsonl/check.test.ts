import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkInput, type Rules } from "../../../producers/jsonl/check.ts";

const rules: Rules = {
  defaults: { model: undefined, priority: "bulk" },
  verdict: ({ model }) => {
    if (model === "nobody") return { refusal: "No model is called nobody." };
    return model === "novel" ? { warning: "novel is not known." } : {};
  },
};

const check = (text: string) => {
  const bytes = Buffer.from(text);
  async function* chunks() {
    yield bytes;
  }
  return checkInput({ path: "in.jsonl", bytes: bytes.length, chunks, close: async () => {} }, rules);
};

describe("checking a file", () => {
  it("counts good lines, gives every bad one its number and reason, and hashes the bytes", async () => {
    const text = '{"prompt":"a"}\n\nnope\n{"prompt":"b","model":"nobody"}\n{"prompt":"c"}';
    const checked = await check(text);
    expect(checked.good).toBe(2);
    expect(checked.problems.first).toEqual([
      { line: 3, reason: 'is not JSON: "nope"' },
      { line: 4, reason: "No model is called nobody." },
    ]);
    expect(checked.contentHash).toBe(createHash("sha256").update(text).digest("hex"));
  });

  it("says each warning once, with its first line and how many lines it is about", async () => {
    const checked = await check('{"prompt":"a"}\n{"prompt":"b","model":"novel"}\n{"prompt":"c","model":"novel"}');
    expect(checked.good).toBe(3);
    expect(checked.warnings.all).toEqual([{ message: "novel is not known.", line: 2, lines: 2 }]);
  });

  it("names both lines of a duplicate id, and takes the first", async () => {
    const line = (id: string) => JSON.stringify({ prompt: "a", id });
    const checked = await check(
      [line("x"), line("y"), line("x"), '{"prompt":"a"}', line("line-4"), line("x")].join("\n"),
    );
    expect(checked.good).toBe(3);
    expect(checked.problems.first).toEqual([
      { line: 3, reason: 'has the id "x" of line 1 again' },
      { line: 5, reason: 'has the id "line-4" of line 4 again' },
      { line: 6, reason: 'has the id "x" of line 1 again' },
    ]);
  });

  it("lets a good line use the id of a bad one", async () => {
    const checked = await check('{"id":"x"}\n{"id":"x","prompt":"a"}\n');
    expect(checked).toMatchObject({ good: 1, problems: { count: 1 } });
  });

  it("keeps the first hundred bad lines and counts the rest", async () => {
    const checked = await check("nope\n".repeat(250));
    expect(checked.problems.count).toBe(250);
    expect(checked.problems.first).toHaveLength(100);
    expect(checked.problems.first.at(-1)?.line).toBe(100);
  });
});
