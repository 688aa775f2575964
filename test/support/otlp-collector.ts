/** A stand-in for an OpenTelemetry collector: accepts OTLP over HTTP, JSON or protobuf, and keeps what it got. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** OTLP numbers: 1 internal, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** OTLP numbers: 0 unset, 2 error. */
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly startMs: number;
  readonly endMs: number;
}

export interface Received {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface OtlpCollector {
  readonly url: string;
  readonly received: readonly Received[];
  /** Spans of every JSON body so far. */
  spans(): CollectedSpan[];
  close(): Promise<void>;
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const contentType = request.headers["content-type"] ?? "";
      received.push({ path: request.url ?? "", contentType, body: Buffer.concat(chunks) });
      response.writeHead(200, { "content-type": contentType }).end(contentType.includes("json") ? "{}" : "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server's address is never a string
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    spans: () => received.filter((entry) => entry.contentType.includes("json")).flatMap(spansOf),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/trace.json */
interface TraceBody {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
interface WireSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
interface KeyValue {
  readonly key: string;
  readonly value: WireValue;
}
interface WireValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly WireValue[] };
}

function spansOf(entry: Received): CollectedSpan[] {
  const body = JSON.parse(entry.body.toString()) as TraceBody; // the wire format, read leniently
  return (body.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service: String(recordOf(resource.attributes)["service.name"]),
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        kind: span.kind,
        status: span.status,
        attributes: { ...recordOf(resource.attributes), ...recordOf(span.attributes) },
        events: span.events.map((event) => ({ name: event.name, attributes: recordOf(event.attributes) })),
        startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
      })),
    ),
  );
}

const recordOf = (pairs: readonly KeyValue[]) => Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));

function plain(value: WireValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(plain);
  return (
    value.stringValue ??
    value.doubleValue ??
    value.boolValue ??
    (value.intValue === undefined ? undefined : Number(value.intValue))
  );
}
