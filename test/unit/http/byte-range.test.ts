import { expect, test } from "vitest";
import { rangeIn } from "../../../producers/http/byte-range.ts";

test.each([
  [undefined, undefined],
  ["bytes=0-3", { start: 0, end: 3 }],
  ["bytes=8-", { start: 8, end: 9 }],
  ["bytes=-4", { start: 6, end: 9 }],
  ["bytes=-40", { start: 0, end: 9 }],
  ["bytes=5-100", { start: 5, end: 9 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-2", undefined],
  ["bytes=0-1,3-4", undefined],
  ["lines=0-1", undefined],
  ["bytes=-", undefined],
])("of ten bytes %s is %j", (header, range) => {
  expect(rangeIn(header, 10)).toEqual(range);
});
