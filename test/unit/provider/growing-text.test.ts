import { expect, it } from "vitest";
import { growingText } from "../../../src/provider/growing-text.ts";

it("says all that was added to its beginning, in order, whenever it is asked", () => {
  const grown = growingText("0");
  let expected = "0";
  for (let piece = 1; piece <= 200; piece += 1) {
    grown.add(` ${piece}`);
    expected += ` ${piece}`;
    expect(grown.text()).toBe(expected);
  }
});
