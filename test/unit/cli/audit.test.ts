import { expect, test } from "vitest";

const { verdictOf } = await import(new URL("../../../producers/cli/setup/audit.mjs", import.meta.url).href);

test("an advisory is named with its severity, also where it comes through another package", () => {
  const output = JSON.stringify({
    vulnerabilities: {
      a: { name: "a", severity: "high", via: [{ title: "A reads too much" }] },
      b: { name: "b", severity: "low", via: ["a"] },
    },
    metadata: {},
  });
  expect(verdictOf(output)).toEqual({
    asked: true,
    found: [
      { name: "a", severity: "high", title: "A reads too much" },
      { name: "b", severity: "low", title: "through a" },
    ],
  });
  expect(verdictOf(JSON.stringify({ vulnerabilities: {} }))).toEqual({ asked: true, found: [] });
});

test.each([
  ['{"message":"405 Method Not Allowed - POST https://registry","error":{"summary":""}}', /405/],
  ['npm warn something\n{"error":{"code":"ENOTFOUND","summary":"request failed"}}', /request failed/],
  ["npm error network away", /network away/],
  ["", /said nothing/],
])("a registry that does not answer was not asked, and that is no finding: %s", (output, reason) => {
  expect(verdictOf(output)).toEqual({ asked: false, reason: expect.stringMatching(reason) });
});
