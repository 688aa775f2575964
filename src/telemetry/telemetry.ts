/**
 * What the stages say of themselves. Names come from the one table in events.ts; no attribute carries a prompt, an answer
 * or a key (invariant 13). `silentTelemetry` says nothing and costs nothing.
 */
import type { CountName, EventName, MeasureName, SpanName } from "./events.ts";

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanHandle {
  set(attributes: Attributes): void;
  /** Marks the span as failed. `kind` is a short word of a closed list, `message` holds no content. */
  fail(kind: string, message: string): void;
  /** Something that happens now, on the way. */
  event(name: EventName, attributes?: Attributes): void;
  /** W3C traceparent of this span, to hand on; undefined when tracing is off. */
  readonly traceparent: string | undefined;
}

export interface SpanOptions {
  /** W3C traceparent of the parent. */
  readonly parent?: string | undefined;
  readonly attributes?: Attributes;
}

export interface Telemetry {
  /** Runs `work` inside a span that ends with it; an exception marks the span and is thrown on. */
  span<Value>(name: SpanName, options: SpanOptions, work: (span: SpanHandle) => Promise<Value>): Promise<Value>;
  /** A span whose time has already passed, such as a wait in a queue. */
  past(name: SpanName, options: SpanOptions & { readonly from: Date; readonly until: Date }): void;
  /** Something that happens now, on the span that is active; without one nothing is said. */
  event(name: EventName, attributes?: Attributes): void;
  count(name: CountName, attributes?: Attributes, by?: number): void;
  measure(name: MeasureName, value: number, attributes?: Attributes): void;
}

const silentSpan: SpanHandle = { set: () => {}, fail: () => {}, event: () => {}, traceparent: undefined };

export const silentTelemetry: Telemetry = {
  span: (_name, _options, work) => work(silentSpan),
  past: () => {},
  event: () => {},
  count: () => {},
  measure: () => {},
};
