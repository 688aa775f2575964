/**
 * How long a provider says to wait, in milliseconds, from every place where providers say it. Pure. What cannot be read
 * is undefined. A wait is a floor ("earlier retries will fail"), so it is rounded up.
 */

/** `retry-after-ms`, else `retry-after` as seconds or HTTP date (RFC 9110). */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const exact = positive(headers.get("retry-after-ms"));
  if (exact !== undefined) return Math.ceil(exact);
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = positive(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1000);
  const instant = Date.parse(text);
  return Number.isNaN(instant) || !/[a-z]/i.test(text) ? undefined : Math.max(0, instant - nowMs);
}

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 } as const;

/** A Go duration (`6m0s`, `120ms`) or a protobuf duration (`46s`, `1.5s`). */
export function durationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|μs|ns))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|μs|ns)/g)) {
    if (isUnit(unit)) total += Number(amount) * unitMs[unit];
  }
  return Math.ceil(total);
}

const isUnit = (unit: string | undefined): unit is keyof typeof unitMs => unit !== undefined && unit in unitMs;

/** "Please try again in 7m12s", "Please retry in 46.2s", "retry after 20 seconds". */
export function waitInMessage(message: string): number | undefined {
  const [, compact] = /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)\b/i.exec(message) ?? [];
  if (compact !== undefined) return durationMs(compact.toLowerCase());
  const [, amount, unit] =
    /(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) (second|minute|hour)s?\b/i.exec(message) ?? [];
  const each = { second: 1_000, minute: 60_000, hour: 3_600_000 }[unit?.toLowerCase() ?? ""];
  return each === undefined ? undefined : Math.ceil(Number(amount) * each);
}

/** Milliseconds until an RFC 3339 instant, never negative. */
export function untilInstantMs(text: string, nowMs: number): number | undefined {
  const instant = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? undefined : Math.max(0, instant - nowMs);
}

const positive = (text: string | null): number | undefined =>
  text !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
