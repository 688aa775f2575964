import { describe, expect, it, test } from "vitest";
import { readCreate, windowMsOf } from "../../../producers/batches/openai-create.ts";

const ask = { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" };
const fingerprint = (body: object) => {
  const read = readCreate({ ...ask, ...body });
  return read.ok ? read.asked.fingerprint : read.complaint;
};

describe("readCreate", () => {
  it("takes OpenAI's fields, and null for those that are not given", () => {
    expect(readCreate({ ...ask, metadata: null, output_expires_after: null })).toMatchObject({
      ok: true,
      asked: { inputFile: "file-1", windowMs: 86_400_000, metadata: undefined, outputExpiresSeconds: undefined },
    });
    const expiring = { ...ask, output_expires_after: { anchor: "created_at", seconds: 3_600 } };
    expect(readCreate(expiring)).toMatchObject({ ok: true, asked: { outputExpiresSeconds: 3_600 } });
  });

  it("knows the same wish again, whatever the order of its metadata, and another one from it", () => {
    expect(fingerprint({ metadata: { a: "1", b: "2" } })).toBe(fingerprint({ metadata: { b: "2", a: "1" } }));
    const others = [
      {},
      { metadata: { a: "2" } },
      { completion_window: "1h" },
      { endpoint: "/v1/embeddings" },
      { input_file_id: "file-2" },
    ];
    expect(new Set(others.map(fingerprint)).size).toBe(others.length);
  });

  test.each([
    [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_unused, at) => [`k${at}`, "v"])) }, "metadata"],
    [{ metadata: { k: "v".repeat(513) } }, "metadata.k"],
    [{ metadata: { ["k".repeat(65)]: "v" } }, /^metadata/],
    [{ metadata: { k: 1 } }, "metadata.k"],
    [{ output_expires_after: { anchor: "created_at", seconds: 10 } }, "output_expires_after.seconds"],
    [{ output_expires_after: { anchor: "now", seconds: 3_600 } }, "output_expires_after.anchor"],
    [{ input_file_id: 5 }, "input_file_id"],
    [{ input_file_id: "" }, "input_file_id"],
  ])("refuses %j by its name", (more, param) => {
    expect(readCreate({ ...ask, ...more })).toMatchObject({
      ok: false,
      complaint: { param: typeof param === "string" ? param : expect.stringMatching(param) },
    });
  });

  test.each([[undefined], [null], ["text"], [5], [[]]])("asks a body of %j for its first field", (body) => {
    expect(readCreate(body)).toMatchObject({ ok: false, complaint: { code: "missing_required_parameter" } });
  });
});

test.each([
  ["24h", 86_400_000],
  ["30m", 1_800_000],
  ["90s", 90_000],
  ["30d", 2_592_000_000],
  ["immediate", 86_400_000],
  ["31d", undefined],
  ["0h", undefined],
  ["1 h", undefined],
  ["-1h", undefined],
  ["soon", undefined],
])("a window of %s is %s ms", (window, ms) => {
  expect(windowMsOf(window)).toBe(ms);
});
