import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failureMessage } from "../../../src/provider/failure-message.ts";

const secrets = { apiKey: "sk-proj-Zq81hGvTn2LmPwxy9876", prompt: ["Translate the following letter to my lawyer."] };

describe("the message of a failure", () => {
  it("shows neither a masked key nor its tail", () => {
    const said = failureMessage(
      "Incorrect API key provided: sk-proj-****************9876. Find yours at https://x.test/keys.",
      secrets,
    );
    expect(said).toBe("Incorrect API key provided: [key]. Find yours at https://x.test/keys.");
    expect(failureMessage("key ending in 9876", secrets)).toBe("key ending in [key]");
    expect(failureMessage("key abcd****", secrets)).toBe("key [key]");
  });

  it("shows no other key either", () => {
    expect(failureMessage("bad AIzaSyD-1234567890abcdef", secrets)).toBe("bad [key]");
    expect(failureMessage("bad sk-ant-api03-AAAA_bbbb", secrets)).toBe("bad [key]");
  });

  it("never shows the key, wherever it stands", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(failureMessage(`${before}${secrets.apiKey}${after}`, secrets)).not.toContain(secrets.apiKey);
      }),
    );
  });

  it("ends where an echo of the prompt begins", () => {
    expect(failureMessage("Invalid value: 'Translate the following letter to my lawyer.' at messages.0", secrets)).toBe(
      "Invalid value: '[prompt]",
    );
  });

  it("keeps words that happen to be a very short prompt", () => {
    expect(failureMessage("Hi there, no", { apiKey: "k", prompt: ["Hi", ""] })).toBe("Hi there, no");
  });

  it("is one line of at most 500 characters", () => {
    expect(failureMessage("a\n\n  b\tc", secrets)).toBe("a b c");
    const long = failureMessage("word ".repeat(400), secrets);
    expect(long.length).toBeLessThanOrEqual(500);
    expect(long.endsWith("…")).toBe(true);
  });
});
