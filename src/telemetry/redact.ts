/** What may stand in a log line. Pure. Keys and patterns are broad on purpose: a lost word costs less than a leaked key. */

const secretKey =
  /^(?:(?:proxy)?authorization|(?:set)?cookie|.*apikey|.*password|.*secret|(?:access|refresh|auth|bearer)?token|credentials?)$/;
const contentKeys = new Set([
  "prompt",
  "messages",
  "contents",
  "content",
  "system",
  "text",
  "answer",
  "body",
  "payload",
]);

/** Vendors' keys (sk-…, xai-…, gsk_…, AIza…), secrets of webhooks, bearer tokens, passwords in URLs, keys in query strings. */
const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/\b(?:sk|xai)-[\w-]{6,}|\bgsk_\w{6,}|\bAIza[\w-]{10,}|\bwhsec_[\w+/=-]{6,}/g, "[key]"],
  [/\bBearer\s+[^\s"\\,]+/gi, "Bearer [key]"],
  // To the last @ before the path: passwords are written with an @ in them, too.
  [/(\w:\/\/[^\s:/@"]*:)[^\s/"]+@/g, "$1[password]@"],
  [/([?&](?:api_?key|key|access_token|token|\w*password)=)[^&\s"]+/gi, "$1[key]"],
];

/** A log record without secrets and without anything a caller wrote or a model answered, at any depth. */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactField(key, inner)]));
}

/** `text` with everything that looks like a key or a password replaced. */
export function redactText(text: string): string {
  return secretTexts.reduce((cleaned, [pattern, instead]) => cleaned.replace(pattern, instead), text);
}

/** A count named like content (`messages: 3`) is not content. */
function redactField(key: string, value: unknown): unknown {
  const plain = key.toLowerCase().replace(/[^a-z]/g, "");
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (secretKey.test(plain)) return "[secret]";
  return contentKeys.has(plain) ? "[content]" : redact(value);
}

/**
 * An error as class, message, code and stack frames. SDKs hang headers and bodies on their errors, and drizzle quotes a
 * failed query's parameters, which are payloads: none of that is kept.
 */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? error : typeof error;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    message: error.message.replace(/\n?params: [\s\S]*$/, ""),
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    stack: frames.join("\n"),
    ...(error.cause === undefined || depth === 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}
