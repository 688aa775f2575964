import { afterEach, describe, expect, it } from "vitest";
import { countNames, measureNames } from "../../../src/telemetry/events.ts";
import { type RunningTelemetry, startTelemetry } from "../../../src/telemetry/start.ts";
import { parsePrometheusText, sampleValue } from "../../support/prometheus-text.ts";

let running: RunningTelemetry | undefined;
const problems: string[] = [];
const start = async () => {
  problems.length = 0;
  running = await startTelemetry({
    service: "test",
    exportTraces: false,
    onProblem: (problem) => problems.push(problem),
  });
  return running;
};
const metricsOf = async ({ metricsText }: RunningTelemetry) => parsePrometheusText(await metricsText());
afterEach(() => running?.stop());

describe("metrics", () => {
  it("is well-formed Prometheus text with nothing, and with everything counted", async () => {
    const started = await start();
    expect((await metricsOf(started)).size).toBe(0);
    const counts = Object.keys(countNames) as (keyof typeof countNames)[]; // the table's own keys
    const measures = Object.keys(measureNames) as (keyof typeof measureNames)[]; // the table's own keys
    for (const name of counts) started.telemetry.count(name, { model: 'a "quoted" \\ model\nof two lines' });
    for (const name of measures) started.telemetry.measure(name, 1_500, { provider: "openai" });
    const families = await metricsOf(started);
    expect(families.size).toBe(counts.length + measures.length);
    for (const { name, help } of families.values()) expect(help, name).not.toBe("");
  });

  it("adds counters up by label", async () => {
    const started = await start();
    const { count } = started.telemetry;
    count("attempts", { provider: "openai", outcome: "succeeded" });
    count("attempts", { provider: "openai", outcome: "succeeded" }, 4);
    count("attempts", { provider: "gemini", outcome: "failed", failure: "overloaded" });
    count("costNanoUsd", { provider: "openai" }, 1_234_567);
    const families = await metricsOf(started);
    const attempts = families.get("millrace_attempts_total");
    expect(attempts?.type).toBe("counter");
    expect(sampleValue(attempts, { gen_ai_provider_name: "openai", millrace_outcome: "succeeded" })).toBe(5);
    expect(sampleValue(attempts, { gen_ai_provider_name: "gemini", error_type: "overloaded" })).toBe(1);
    expect(sampleValue(families.get("millrace_cost_nano_usd_total"), {})).toBe(1_234_567);
  });

  it("measures calls in seconds, in buckets from 5 ms to 10 min", async () => {
    const started = await start();
    for (const ms of [4, 40, 4_000, 400_000, 4_000_000]) started.telemetry.measure("callMs", ms, { model: "m" });
    const calls = (await metricsOf(started)).get("gen_ai_client_operation_duration_seconds");
    expect(calls?.type).toBe("histogram");
    const bucket = (le: string) => sampleValue(calls, { le });
    expect([bucket("0.005"), bucket("0.05"), bucket("5"), bucket("600"), bucket("+Inf")]).toEqual([1, 2, 3, 4, 5]);
    expect(sampleValue(calls, {}, "gen_ai_client_operation_duration_seconds_sum")).toBeCloseTo(4_404.044);
  });

  it("makes no label of a request's id", async () => {
    const started = await start();
    for (const requestId of ["r-1", "r-2", "r-3"])
      started.telemetry.count("attempts", { requestId, provider: "openai" });
    expect((await metricsOf(started)).get("millrace_attempts_total")?.samples).toEqual([
      { name: "millrace_attempts_total", labels: { gen_ai_provider_name: "openai" }, value: 3 },
    ]);
  });

  it("reads gauges when asked, in seconds where they are times", async () => {
    const started = await start();
    let jobs = 3;
    started.observe("laneJobs", async () => [{ value: jobs, attributes: { lane: "openai.mini", state: "waiting" } }]);
    started.observe("laneOldestMs", async () => [{ value: 1_500, attributes: { lane: "openai.mini" } }]);
    const first = await metricsOf(started);
    expect(
      sampleValue(first.get("millrace_lane_jobs"), { millrace_lane: "openai.mini", millrace_state: "waiting" }),
    ).toBe(3);
    expect(sampleValue(first.get("millrace_lane_oldest_age_seconds"), {})).toBe(1.5);
    jobs = 0;
    expect(sampleValue((await metricsOf(started)).get("millrace_lane_jobs"), {})).toBe(0);
  });

  it("forgets a series that is no longer read instead of repeating it", async () => {
    const started = await start();
    let lanes = ["a", "b"];
    started.observe("laneJobs", async () => lanes.map((lane) => ({ value: 1, attributes: { lane } })));
    expect((await metricsOf(started)).get("millrace_lane_jobs")?.samples).toHaveLength(2);
    lanes = ["b"];
    expect((await metricsOf(started)).get("millrace_lane_jobs")?.samples.map(({ labels }) => labels)).toEqual([
      { millrace_lane: "b" },
    ]);
  });

  it("leaves a gauge that fails out, says so, and still shows the rest", async () => {
    const started = await start();
    started.observe("requestsByState", () => Promise.reject(new Error("the ledger is away")));
    started.observe("laneJobs", async () => [{ value: 7 }]);
    const families = await metricsOf(started);
    expect(families.get("millrace_requests")?.samples ?? []).toEqual([]);
    expect(sampleValue(families.get("millrace_lane_jobs"), {})).toBe(7);
    expect(problems).toEqual([expect.stringContaining("the ledger is away")]);
    expect(sampleValue((await metricsOf(started)).get("millrace_gauges_unread_total"), {})).toBe(1);
  });
});
