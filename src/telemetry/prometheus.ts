/** What a meter has seen, as Prometheus text. No port is opened: the HTTP producer serves it at `/metrics`. */
import type { Meter } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";

/** A gauge that does not answer must not hold up a scrape: Prometheus gives up after 10 s by default. */
const gaugeTimeoutMs = 5_000;

export interface PrometheusMeter {
  readonly meter: Meter;
  /**
   * Text format 0.0.4 (`text/plain; version=0.0.4`), with the gauges' readings of this moment. A gauge that rejects or
   * does not answer in 5 s is left out and told to `onUnread`.
   */
  text(onUnread: (reason: unknown) => void): Promise<string>;
  close(): Promise<void>;
}

export function openPrometheusMeter(): PrometheusMeter {
  const reader = new OnDemandReader();
  const provider = new MeterProvider({ readers: [reader] });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    meter: provider.getMeter("millrace"),
    async text(onUnread) {
      const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: gaugeTimeoutMs });
      errors.forEach(onUnread);
      // The format wants a line feed at the end; the serializer forgets it when there is nothing to say.
      return `${serializer.serialize(withUnitInNames(resourceMetrics)).trimEnd()}\n`;
    },
    close: () => provider.shutdown(),
  };
}

/**
 * Collects when asked. Gauges are "delta", which for a gauge only means that a series not read this time is gone. The
 * PrometheusExporter's own reader keeps showing its last value: a lane that emptied would stay full for ever.
 */
class OnDemandReader extends MetricReader {
  constructor() {
    super({
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Prometheus puts the unit into the name, OpenTelemetry beside it; the JavaScript serializer leaves it out.
 *  https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1 */
function withUnitInNames(collected: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = collected.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map((metric) =>
      metric.descriptor.unit === "s"
        ? {
            ...metric,
            descriptor: { ...metric.descriptor, name: `${metric.descriptor.name}_seconds`, unit: "seconds" },
          }
        : metric,
    ),
  }));
  return { ...collected, scopeMetrics };
}
