import { describe, expect, it } from "vitest";
import { count, short, span, spend } from "../../../producers/cli/amounts.ts";
import { durationOf } from "../../../producers/cli/commands/batch-options.ts";
import { table } from "../../../producers/cli/table.ts";

describe("amounts", () => {
  it("are written for people", () => {
    expect([0, 999, 1_234_567].map(count)).toEqual(["0", "999", "1,234,567"]);
    expect([812, 12_300, 9_990, 999_600, 1_940_000].map(short)).toEqual(["812", "12k", "10.0k", "1.0M", "1.9M"]);
    expect([450, 35_000, 46 * 60_000, 11_520_000, 190_000_000].map(span)).toEqual([
      "450 ms",
      "35 s",
      "46 min",
      "3 h 12 min",
      "2 d 4 h",
    ]);
  });

  it("of money keep small sums exact and say what is missing", () => {
    expect(spend(1_234n, 0)).toBe("$0.000001234");
    expect(spend(0n, 0)).toBe("$0.0000");
    expect(spend(0n, 1)).toBe("cost unknown (1 call of unknown cost)");
    expect(spend(123_456_789n, 2)).toBe("$0.1234 + 2 calls of unknown cost");
  });
});

describe("a duration on the command line", () => {
  it("is a number with a unit", () => {
    expect(["250ms", "90s", "30m", "1.5h", "2d"].map(durationOf)).toEqual([
      250, 90_000, 1_800_000, 5_400_000, 172_800_000,
    ]);
  });

  it.each(["", "10", "h", "-1h", "1 h", "1w", "0s"])("is refused otherwise: %j", (text) => {
    expect(() => durationOf(text)).toThrow("Give a number and a unit");
  });
});

describe("a table", () => {
  it("lines its columns up, numbers to the right, and leaves no blanks at line ends", () => {
    const lines = table(
      [{ title: "name" }, { title: "calls", align: "right" }, { title: "note" }],
      [
        ["anthropic", "7", "\u001b[31mbusy\u001b[39m"],
        ["ß", "1,200", ""],
      ],
    );
    expect(lines).toBe("name       calls  note\nanthropic      7  \u001b[31mbusy\u001b[39m\nß          1,200");
  });
});
