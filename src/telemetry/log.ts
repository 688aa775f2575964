/** Structured logs: JSON lines on stderr, with ids as fields. Every line passes `redact` (invariant 13). */
import { trace } from "@opentelemetry/api";
import { destination as openDestination, pino, stdTimeFunctions } from "pino";
import { describeError, redact } from "./redact.ts";

export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";
/** `requestId`, `batch`, `lane`, `provider`, …; an exception goes into `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A log whose every line carries `fields`. */
  child(fields: LogFields): Log;
}

/** Opens the process's log. `destination` takes one line at a time; without one it is stderr, written at once. */
export function openLog(level: LogLevel, destination?: { write(line: string): void }): Log {
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
    // Lines of one request and its spans find each other.
    mixin: () => activeTrace(),
    hooks: { streamWrite: (line: string) => `${JSON.stringify(redact(JSON.parse(line)))}\n` },
  };
  return wrap(pino(options, destination ?? openDestination({ dest: 2, sync: true })));
}

function wrap(logger: pino.Logger): Log {
  return {
    error: (message, fields = {}) => logger.error(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    debug: (message, fields = {}) => logger.debug(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

function activeTrace(): LogFields {
  const context = trace.getActiveSpan()?.spanContext();
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
}
