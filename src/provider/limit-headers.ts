import type { LimitReading, LimitReport } from "../request/outcome.ts";
import { known } from "../runtime/known.ts";
import { durationMs, untilInstantMs } from "./retry-after.ts";

export interface LimitHeaderNames {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

/**
 * What the rate-limit headers of one answer say, by dimension; undefined when they say nothing. A reset may be an
 * RFC 3339 instant, a Go duration or whole seconds; Azure's `-1` means unknown.
 */
export function limitReport(
  headers: Headers,
  names: Readonly<Partial<Record<keyof LimitReport, LimitHeaderNames>>>,
  nowMs: number,
): LimitReport | undefined {
  const readings = Object.entries(names).flatMap(([dimension, name]) => {
    const reading = limitReading(headers, name, nowMs);
    return reading === undefined ? [] : [[dimension, reading] as const];
  });
  return readings.length === 0 ? undefined : Object.fromEntries(readings);
}

function limitReading(headers: Headers, names: LimitHeaderNames, nowMs: number): LimitReading | undefined {
  const reading = known({
    limit: whole(headers.get(names.limit)),
    remaining: whole(headers.get(names.remaining)),
    resetMs: resetMs(headers.get(names.reset)?.trim(), nowMs),
  });
  return Object.keys(reading).length === 0 ? undefined : reading;
}

function resetMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = whole(text);
  return seconds === undefined ? (durationMs(text) ?? untilInstantMs(text, nowMs)) : seconds * 1000;
}

const whole = (text: string | null): number | undefined =>
  text !== null && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
