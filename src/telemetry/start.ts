import { type Observe, openGauges, openMetrics } from "./metrics.ts";
import { silentTelemetry, type Telemetry } from "./telemetry.ts";

export interface TelemetryOptions {
  /** Name of the service in traces, such as `millrace-worker`; OTEL_SERVICE_NAME wins. */
  readonly service: string;
  /** `config.telemetryWanted`: a standard OTEL_* variable asks for export. */
  readonly exportTraces: boolean;
  /** Told when telemetry itself has trouble: a collector that is away, a gauge that cannot be read. */
  readonly onProblem?: (problem: string) => void;
}

export interface RunningTelemetry {
  readonly telemetry: Telemetry;
  /** Registers a gauge of the fleet, read for every `metricsText()`; gauges are not pushed. */
  readonly observe: Observe;
  /** Metrics of this process and the registered gauges, as Prometheus text. */
  metricsText(): Promise<string>;
  /** Flushes (for at most three seconds when the collector is away) and lets go of everything. */
  stop(): Promise<void>;
}

/**
 * Starts the telemetry of this process, once: tracing is global to a process. Without `exportTraces` nothing is sent, no
 * span is made and the SDK is not even loaded; metrics are always counted in memory.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<RunningTelemetry> {
  const { openPrometheusMeter } = await import("./prometheus.ts"); // most commands count nothing
  const prometheus = openPrometheusMeter();
  const exporting = options.exportTraces ? await startTracing(options) : undefined;
  const pushed = exporting?.meter === undefined ? [] : [exporting.meter];
  const { count, measure } = openMetrics([prometheus.meter, ...pushed]);
  const { span, past, event } = exporting?.spans ?? silentTelemetry;
  return {
    telemetry: { span, past, event, count, measure },
    // Not on the pushed meter: every process would push the same fleet, and the SDK repeats a gauge that has gone.
    observe: openGauges(prometheus.meter),
    metricsText: () =>
      prometheus.text((reason) => {
        count("unread");
        options.onProblem?.(`a gauge could not be read: ${reason}`);
      }),
    async stop() {
      await exporting?.stop();
      await prometheus.close();
    },
  };
}

async function startTracing({ service, onProblem = () => {} }: TelemetryOptions) {
  const [{ startExport }, { openSpans }] = await Promise.all([import("./export.ts"), import("./spans.ts")]);
  const { tracer, meter, stop } = startExport(service, onProblem);
  return { spans: openSpans(tracer), meter, stop };
}
