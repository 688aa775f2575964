/**
 * OpenTelemetry's Node SDK, loaded only where export is wanted. Exporter, endpoint, protocol, headers, sampler, limits
 * and service name are the SDK's own reading of the standard OTEL_* variables. No instrumentation patches anything.
 */
import { context, DiagLogLevel, diag, type Meter, metrics, propagation, type Tracer, trace } from "@opentelemetry/api";
import { core, NodeSDK, resources } from "@opentelemetry/sdk-node";

/** An exit does not wait longer than this for a collector that is away. */
const flushMs = 3_000;

export interface Export {
  readonly tracer: Tracer;
  /** Present when OTEL_METRICS_EXPORTER asks for metrics to be pushed as well. */
  readonly meter: Meter | undefined;
  /** Sends what is waiting, for at most three seconds. */
  stop(): Promise<void>;
}

/** Starts the SDK for this process; `service` is the name unless OTEL_SERVICE_NAME gives one. */
export function startExport(service: string, onProblem: (problem: string) => void): Export {
  diag.setLogger(problemsOnly(onProblem), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const pushesMetrics = (core.getStringListFromEnv("OTEL_METRICS_EXPORTER") ?? ["none"])[0] !== "none";
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(resources.resourceFromAttributes({ "service.name": service })),
    // Not the process detector: it publishes the command line, and `millrace run "…"` has a prompt there (invariant 13).
    resourceDetectors: [resources.hostDetector, resources.serviceInstanceIdDetector, resources.envDetector],
    logRecordProcessors: [],
    // Given an empty list the SDK pushes none; given nothing it would push over OTLP without being asked.
    ...(pushesMetrics ? {} : { metricReaders: [] }),
  });
  sdk.start();
  return {
    tracer: trace.getTracer("millrace"),
    meter: pushesMetrics ? metrics.getMeter("millrace") : undefined,
    async stop() {
      const lost = () => onProblem("the collector did not answer in time: the last spans are lost");
      await withinFlushTime(
        sdk.shutdown().catch((error: unknown) => onProblem(String(error))),
        lost,
      );
      for (const api of [trace, metrics, context, propagation, diag]) api.disable();
    },
  };
}

async function withinFlushTime(work: Promise<void>, onTimeUp: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, flushMs);
  }).then(onTimeUp);
  await Promise.race([work, timeUp]);
  clearTimeout(timer);
}

function problemsOnly(onProblem: (problem: string) => void) {
  const say = (message: string) => onProblem(message.slice(0, 300));
  const ignore = () => {};
  return { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
}
