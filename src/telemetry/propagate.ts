/** Trace context as W3C traceparent strings: what a row, a job and an HTTP header can carry. */
import { type Context, isSpanContextValid, ROOT_CONTEXT, type Span, trace } from "@opentelemetry/api";

/** https://www.w3.org/TR/trace-context/#traceparent-header; version 00 ends after the flags, later ones may go on. */
const form = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** The context that `traceparent` names, or undefined when it is absent or malformed. */
export function contextOf(traceparent: string | undefined): Context | undefined {
  const [, version, traceId, spanId, flags, rest] = form.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : undefined;
}

/** The traceparent of a span, sampled or not; undefined when there is no tracing. */
export function traceparentOf(span: Span): string | undefined {
  const context = span.spanContext();
  if (!isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, "0")}`;
}
