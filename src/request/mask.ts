/**
 * Masks what names persons and opens doors in kept prompts and answers: mail addresses, phone and card numbers, keys. Pure.
 * A filter, not anonymisation: names and street addresses stay. Every repetition has a bound, so that the time follows the
 * length of the text whatever is in it.
 */

const masks: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,10000}?-----END [A-Z ]{0,30}PRIVATE KEY-----/g, "[key]"],
  // Keys of providers, clouds and forges, and web tokens.
  [/\b(?:sk|pk|rk|xai)[-_][\w-]{12,200}|\bgsk_\w{16,200}|\bAIza[\w-]{30,60}|\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, "[key]"],
  [/\bgh[pousr]_\w{20,255}|\bgithub_pat_\w{20,255}|\bglpat-[\w-]{20,100}|\bxox[abeprs]-[\w-]{10,200}/g, "[key]"],
  [/\beyJ[\w-]{10,4000}\.[\w-]{10,4000}\.[\w-]{10,4000}/g, "[key]"],
  [/\bBearer [\w~+/.-]{16,4000}=*/gi, "Bearer [key]"],
  [/[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu, "[mail]"],
  // 13 to 19 digits, alone or in groups, whose check digit is right.
  [/(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g, (found) => (hasCheckDigit(found) ? "[card]" : found)],
  // +49 30 123456, 0049 30 123456, (030) 123 45 67, 030/1234567, 212-555-0100: separated as people do.
  [/(?<![\w+])(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\d)/g, "[phone]"],
  [/(?<![\w.-])\(?0\d{1,5}\)?[ /-]\d{2,5}(?:[ -]?\d{2,5}){1,3}(?!\w|[.-]\w)/g, "[phone]"],
  [/(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\w|[.-]\w)/g, "[phone]"],
];

export const maskText = (text: string): string =>
  masks.reduce(
    (masked, [pattern, instead]) =>
      typeof instead === "string" ? masked.replace(pattern, instead) : masked.replace(pattern, instead),
    text,
  );

/** A body or result with every text in it masked, and otherwise as it was. */
export function maskContent(content: unknown): unknown {
  if (typeof content === "string") return maskText(content);
  if (Array.isArray(content)) return content.map(maskContent);
  if (typeof content !== "object" || content === null) return content;
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, maskContent(value)]));
}

/** Luhn's sum, ISO/IEC 7812-1. */
function hasCheckDigit(number: string): boolean {
  const digits = number.replace(/\D/g, "");
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
