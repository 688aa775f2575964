/**
 * Spans through a tracer. Children started inside `work` nest by AsyncLocalStorage; an explicit parent wins over the
 * active span. Invariant 13: of an exception only its class and its stack frames are kept, for a message may quote content.
 */
import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { spanAttributes } from "./attributes.ts";
import { type SpanName, spanEventNames, spanNames } from "./events.ts";
import { contextOf, traceparentOf } from "./propagate.ts";
import type { Attributes, SpanHandle, SpanOptions, Telemetry } from "./telemetry.ts";

const kinds: Readonly<Record<SpanName, SpanKind>> = {
  accept: SpanKind.PRODUCER,
  queueWait: SpanKind.INTERNAL,
  attempt: SpanKind.CONSUMER,
  admit: SpanKind.INTERNAL,
  call: SpanKind.CLIENT,
  record: SpanKind.INTERNAL,
};

/** The tracing half of `Telemetry`, on `tracer`. */
export function openSpans(tracer: Tracer): Pick<Telemetry, "span" | "past" | "event"> {
  const start = (name: SpanName, options: SpanOptions, startTime?: Date) => {
    const attributes = { ...alwaysSaid(name), ...spanAttributes(options.attributes ?? {}) };
    const parent = contextOf(options.parent) ?? context.active();
    const title = titleOf(name, attributes);
    const settings = { kind: kinds[name], attributes, ...(startTime === undefined ? {} : { startTime }) };
    return { parent, span: tracer.startSpan(title, settings, parent) };
  };

  return {
    async span(name, options, work) {
      const { parent, span } = start(name, options);
      try {
        return await context.with(trace.setSpan(parent, span), () => work(handleOf(span)));
      } catch (error) {
        markThrown(span, error);
        throw error;
      } finally {
        span.end();
      }
    },

    event: (name, attributes = {}) =>
      void trace.getActiveSpan()?.addEvent(spanEventNames[name], spanAttributes(attributes)),

    past(name, options) {
      const { span } = start(name, options, options.from);
      // The two times may come from two machines' clocks.
      span.end(new Date(Math.max(options.from.getTime(), options.until.getTime())));
    },
  };
}

const alwaysSaid = (name: SpanName): Record<string, string> =>
  name === "call" ? { "gen_ai.operation.name": spanNames.call } : {};

/** The convention names a model call `{operation} {model}`. */
function titleOf(name: SpanName, attributes: Readonly<Record<string, unknown>>): string {
  const model = attributes["gen_ai.request.model"];
  return name === "call" && typeof model === "string" ? `${spanNames.call} ${model}` : spanNames[name];
}

function handleOf(span: Span): SpanHandle {
  return {
    set: (attributes: Attributes) => void span.setAttributes(spanAttributes(attributes)),
    fail: (kind, message) => markFailed(span, kind, message),
    event: (name, attributes = {}) => void span.addEvent(spanEventNames[name], spanAttributes(attributes)),
    traceparent: traceparentOf(span),
  };
}

function markFailed(span: Span, kind: string, message?: string): void {
  span.setAttribute("error.type", kind);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
}

function markThrown(span: Span, error: unknown): void {
  const type = error instanceof Error ? error.name : typeof error;
  const frames = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  span.addEvent("exception", { "exception.type": type, "exception.stacktrace": frames.join("\n") });
  markFailed(span, type);
}
