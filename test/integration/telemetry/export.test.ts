import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RunningTelemetry, startTelemetry } from "../../../src/telemetry/start.ts";
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from "../../support/otlp-collector.ts";

/** Numbers of the OTLP wire. */
const kind = { internal: 1, client: 3, producer: 4, consumer: 5 };
const status = { unset: 0, error: 2 };

let collector: OtlpCollector;
beforeEach(async () => {
  collector = await startOtlpCollector();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

/** Runs `work` as a process with telemetry would, and answers what arrived at the collector after its end. */
async function whileExporting(work: (running: RunningTelemetry) => Promise<void>, service = "millrace-test") {
  const running = await startTelemetry({ service, exportTraces: true });
  try {
    await work(running);
  } finally {
    await running.stop();
  }
  return collector.spans();
}

const only = (spans: readonly CollectedSpan[], name: string): CollectedSpan => {
  const found = spans.filter((span) => span.name === name);
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} spans are named ${name}`);
  return found[0];
};
const call = { "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini" };

describe("export of traces", () => {
  it("tells one trace from the enqueue over the queue wait and two attempts to the provider call", async () => {
    let stored: string | undefined;
    await whileExporting(async ({ telemetry }) => {
      await telemetry.span("accept", { attributes: { tenant: "acme" } }, async (span) => {
        stored = span.traceparent;
      });
    }, "millrace-api");

    // Another process, later: all it has is the traceparent that the row kept.
    const claimed = new Date();
    const accepted = new Date(claimed.getTime() - 90_000);
    const spans = await whileExporting(async ({ telemetry }) => {
      telemetry.past("queueWait", { parent: stored, from: accepted, until: claimed });
      for (const failure of ["overloaded", undefined])
        await telemetry.span("attempt", { parent: stored, attributes: { requestId: "r-1" } }, async (attempt) => {
          await telemetry.span("admit", {}, async () => {});
          await telemetry.span("call", { attributes: call }, async (span) => {
            if (failure !== undefined) return span.fail(failure, "529 from provider");
            span.set({ inputTokens: 12, outputTokens: 34, finishReason: "stop", responseModel: "gpt-5-mini-2026" });
          });
          if (failure !== undefined) attempt.fail(failure, "529 from provider");
          await telemetry.span("record", {}, async () => {});
        });
    }, "millrace-worker");

    const accept = only(spans, "millrace.accept");
    expect(accept).toMatchObject({ service: "millrace-api", kind: kind.producer, parentSpanId: undefined });
    expect(accept.attributes).toMatchObject({ "millrace.tenant": "acme" });
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([accept.traceId]));

    const wait = only(spans, "millrace.queue_wait");
    expect(wait).toMatchObject({ parentSpanId: accept.spanId, kind: kind.internal, service: "millrace-worker" });
    expect([wait.startMs, wait.endMs]).toEqual([accepted.getTime(), claimed.getTime()]);

    const attempts = spans.filter((span) => span.name === "millrace.attempt");
    expect(attempts.map((span) => [span.kind, span.parentSpanId, span.status.code])).toEqual([
      [kind.consumer, accept.spanId, status.error],
      [kind.consumer, accept.spanId, status.unset],
    ]);
    for (const attempt of attempts)
      expect(spans.filter((span) => span.parentSpanId === attempt.spanId).map((span) => span.name)).toEqual([
        "millrace.admit",
        "chat gpt-5-mini",
        "millrace.record",
      ]);

    const [failed, succeeded] = spans.filter((span) => span.name === "chat gpt-5-mini");
    expect(failed).toMatchObject({ kind: kind.client, status: { code: status.error, message: "529 from provider" } });
    expect(failed?.attributes).toMatchObject({ ...call, "error.type": "overloaded" });
    expect(succeeded?.status.code).toBe(status.unset);
    expect(succeeded?.attributes).toMatchObject({
      ...call,
      "gen_ai.operation.name": "chat",
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 34,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.response.model": "gpt-5-mini-2026",
    });
  });

  it("shows what happened on the way as events of the span, by the names of the table", async () => {
    const spans = await whileExporting(async ({ telemetry }) => {
      await telemetry.span("admit", {}, async (span) => {
        span.event("admissionRefused", { blockedBy: "circuit", provider: "openai", waitMs: undefined });
        span.event("circuitChanged");
      });
    });
    expect(only(spans, "millrace.admit").events).toMatchObject([
      {
        name: "millrace.admission.refused",
        attributes: { "millrace.blocked_by": "circuit", "gen_ai.provider.name": "openai" },
      },
      { name: "millrace.circuit.changed", attributes: {} },
    ]);
  });

  it("keeps attempts that run at the same time apart", async () => {
    const ids = Array.from({ length: 20 }, (_, at) => `r-${at}`);
    const spans = await whileExporting(async ({ telemetry }) => {
      await Promise.all(
        ids.map((requestId) =>
          telemetry.span("attempt", { attributes: { requestId } }, async () => {
            await new Promise(setImmediate);
            await telemetry.span("call", { attributes: { ...call, requestId } }, () => new Promise(setImmediate));
          }),
        ),
      );
    });
    const calls = spans.filter((span) => span.name.startsWith("chat"));
    expect(calls).toHaveLength(20);
    for (const span of calls) {
      const parent = spans.find((candidate) => candidate.spanId === span.parentSpanId);
      expect(parent?.attributes["millrace.request.id"]).toBe(span.attributes["millrace.request.id"]);
    }
  });

  it("prefers an explicit parent to the span it runs in, and a malformed one is no parent", async () => {
    const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const spans = await whileExporting(async ({ telemetry }) => {
      await telemetry.span("accept", {}, async () => {
        await telemetry.span("attempt", { parent }, async () => {});
        await telemetry.span("record", { parent: "nonsense" }, async () => {});
      });
    });
    expect(only(spans, "millrace.attempt")).toMatchObject({
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentSpanId: "00f067aa0ba902b7",
    });
    expect(only(spans, "millrace.record").parentSpanId).toBe(only(spans, "millrace.accept").spanId);
  });

  it("marks a span whose work throws, throws on, and keeps the message to itself", async () => {
    const spans = await whileExporting(async ({ telemetry }) => {
      const work = telemetry.span("record", {}, () => Promise.reject(new TypeError("quotes dear diary")));
      await expect(work).rejects.toThrow("quotes dear diary");
    });
    const span = only(spans, "millrace.record");
    expect(span.status.code).toBe(status.error);
    expect(span.attributes).toMatchObject({ "error.type": "TypeError" });
    expect(span.events[0]?.attributes).toMatchObject({
      "exception.type": "TypeError",
      "exception.stacktrace": expect.stringContaining("export.test.ts"),
    });
    expect(JSON.stringify(spans)).not.toContain("diary");
  });

  it("never publishes the command line, where a prompt may stand", async () => {
    const spans = await whileExporting(async ({ telemetry }) => telemetry.span("accept", {}, async () => {}));
    const names = Object.keys(only(spans, "millrace.accept").attributes);
    expect(names).toContain("service.instance.id");
    expect(names.filter((name) => name.startsWith("process."))).toEqual([]);
  });

  it("lets OTEL_SERVICE_NAME name the service and OTEL_TRACES_SAMPLER choose, which the traceparent hands on", async () => {
    vi.stubEnv("OTEL_SERVICE_NAME", "my-mill");
    const named = await whileExporting(async ({ telemetry }) => telemetry.span("accept", {}, async () => {}));
    expect(named.map((span) => span.service)).toEqual(["my-mill"]);

    vi.stubEnv("OTEL_TRACES_SAMPLER", "always_off");
    let traceparent: string | undefined;
    const unsampled = await whileExporting(async ({ telemetry }) =>
      telemetry.span("attempt", {}, async (span) => {
        traceparent = span.traceparent;
      }),
    );
    expect(unsampled).toHaveLength(named.length);
    expect(traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
  });

  it("speaks protobuf where no protocol is named", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", undefined);
    await whileExporting(async ({ telemetry }) => telemetry.span("accept", {}, async () => {}));
    expect(collector.received.map(({ path, contentType }) => [path, contentType])).toEqual([
      ["/v1/traces", "application/x-protobuf"],
    ]);
    expect(collector.received[0]?.body.includes("millrace.accept")).toBe(true);
  });

  it("sends nothing, makes no span and has no traceparent when it is off", async () => {
    const running = await startTelemetry({ service: "millrace-test", exportTraces: false });
    const { telemetry } = running;
    const traceparent = await telemetry.span("attempt", {}, async (span) => {
      span.set({ model: "m" });
      span.fail("overloaded", "529");
      span.event("admissionRefused", { blockedBy: "requests" });
      telemetry.past("queueWait", { from: new Date(0), until: new Date() });
      telemetry.count("attempts");
      return span.traceparent;
    });
    expect(await running.metricsText()).toContain("millrace_attempts_total 1");
    await running.stop();
    expect(traceparent).toBeUndefined();
    expect(collector.received).toEqual([]);
  });

  it("does not hold up an exit for a collector that is away, and says that spans are lost", async () => {
    await collector.close();
    const problems: string[] = [];
    const running = await startTelemetry({
      service: "millrace-test",
      exportTraces: true,
      onProblem: (problem) => problems.push(problem),
    });
    await running.telemetry.span("accept", {}, async () => {});
    const before = performance.now();
    await running.stop();
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(problems.join()).toMatch(/spans are lost/);
  });
});

describe("export of metrics", () => {
  const pushed = () =>
    collector.received.filter(({ path }) => path === "/v1/metrics").map(({ body }) => body.toString());

  it("pushes what was counted where OTEL_METRICS_EXPORTER asks for it, and serves it as text as well", async () => {
    vi.stubEnv("OTEL_METRICS_EXPORTER", "otlp");
    await whileExporting(async ({ telemetry, metricsText }) => {
      telemetry.count("rescued", {}, 3);
      telemetry.measure("callMs", 1_500, { provider: "openai" });
      expect(await metricsText()).toContain("millrace_rescued_total 3");
    });
    expect(pushed().join()).toContain('"name":"millrace.rescued"');
    expect(pushed().join()).toContain('"sum":1.5');
  });

  it("pushes none without being asked", async () => {
    await whileExporting(async ({ telemetry }) => {
      telemetry.count("rescued");
      await telemetry.span("accept", {}, async () => {});
    });
    expect(collector.received.map(({ path }) => path)).toEqual(["/v1/traces"]);
  });
});
