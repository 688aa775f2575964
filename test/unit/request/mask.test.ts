import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { promptBody } from "../../../src/request/body.ts";
import { maskContent, maskText } from "../../../src/request/mask.ts";

describe("masking", () => {
  it.each([
    ["Write to jane.doe+x@mail.example.com, please.", "Write to [mail], please."],
    ["Grüße an jürgen@müller.de", "Grüße an [mail]"],
    ["Card 4111 1111 1111 1111 or 5555-5555-5555-4444.", "Card [card] or [card]."],
    ["Amex 378282246310005", "Amex [card]"],
    ["Call +49 30 123456 or +1 (212) 555-0100 now", "Call [phone] or [phone] now"],
    ["Ring 0049 30 901820 at nine", "Ring [phone] at nine"],
    ["Tel. (030) 123 45 67, 030/1234567, 212-555-0100", "Tel. [phone], [phone], [phone]"],
    [`key sk-ant-api03-${"aB3_".repeat(10)} end`, "key [key] end"],
    ["AKIAIOSFODNN7EXAMPLE and ghp_0123456789abcdefghijABCDEFGHIJ", "[key] and [key]"],
    ["Authorization: Bearer abcdefghijklmnopqrstuvwxyz==", "Authorization: Bearer [key]"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[key]"],
  ])("takes out of %j what is private", (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });

  it.each([
    "On 2026-11-25 at 10:30:00 we had 1,234,567 visitors.",
    "Version 10.20.30.40, order 4111 1111 1111 1112, build 20261125103000",
    "pi is 3.14159265358979, e is 2.718281828",
    "a @ b, user@localhost, skeleton-key, sk-short",
    "id 019abcde-0123-7456-89ab-0123456789ab",
    "SELECT 100 200 300 FROM t",
  ])("leaves %j as it is", (text) => {
    expect(maskText(text)).toBe(text);
  });

  it("goes through every text of a body and changes nothing else", () => {
    const body = { ...promptBody("openai/gpt-5-mini", "I am a@b.co"), system: "Call +4930123456", temperature: 0.5 };
    expect(maskContent(body)).toEqual({
      ...promptBody("openai/gpt-5-mini", "I am [mail]"),
      system: "Call [phone]",
      temperature: 0.5,
    });
  });

  it("masks nothing twice", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "@", ".", "com", "4111", "1", " ", "-", "+49", "sk-") }),
        (text) => {
          const once = maskText(text);
          expect(maskText(once)).toBe(once);
        },
      ),
    );
  });

  it.each(["a", "1", "1 ", "a@", "a.", "sk-a", "eyJaaaaaaaaaaa.", "+1 ", "0"])(
    "takes time by the length of a text of %j, and not more",
    (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      const began = performance.now();
      maskText(text);
      expect(performance.now() - began).toBeLessThan(8_000);
    },
  );
});
