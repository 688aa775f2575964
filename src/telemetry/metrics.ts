/** Counters, histograms and gauges of one process on one or more meters. */
import type { Counter, Histogram, Meter } from "@opentelemetry/api";
import { metricLabels } from "./attributes.ts";
import {
  type CountName,
  countMeanings,
  countNames,
  type GaugeName,
  gaugeMeanings,
  gaugeNames,
  type MeasureName,
  measureBounds,
  measureMeanings,
  measureNames,
} from "./events.ts";
import type { Attributes, Telemetry } from "./telemetry.ts";

/** One reading of a gauge. */
export interface Reading {
  readonly value: number;
  readonly attributes?: Attributes;
}
/** Reads a gauge at the moment metrics are asked for. A series it leaves out is gone, not 0; so are all when it rejects. */
export type ReadGauge = () => Promise<readonly Reading[]>;
export type Observe = (name: GaugeName, read: ReadGauge) => void;

/** The counting half of `Telemetry`; every meter gets everything. */
export function openMetrics(meters: readonly Meter[]): Pick<Telemetry, "count" | "measure"> {
  const sets = meters.map((meter) => ({ counters: countersOf(meter), histograms: histogramsOf(meter) }));
  return {
    count(name, attributes = {}, by = 1) {
      const labels = metricLabels(attributes);
      for (const { counters } of sets) counters[name].add(by, labels);
    },
    measure(name, value, attributes = {}) {
      const labels = metricLabels(attributes);
      for (const { histograms } of sets) histograms[name].record(value / 1_000, labels);
    },
  };
}

/** Gauges on one meter, read when that meter is collected. */
export function openGauges(meter: Meter): Observe {
  return (name, read) => {
    const [unit, divisor] = name.endsWith("Ms") ? [{ unit: "s" }, 1_000] : [{}, 1];
    const gauge = meter.createObservableGauge(gaugeNames[name], { description: gaugeMeanings[name], ...unit });
    gauge.addCallback(async (result) => {
      for (const { value, attributes = {} } of await read()) result.observe(value / divisor, metricLabels(attributes));
    });
  };
}

function countersOf(meter: Meter): Readonly<Record<CountName, Counter>> {
  const open = (name: CountName) => meter.createCounter(countNames[name], { description: countMeanings[name] });
  return {
    accepted: open("accepted"),
    turnedAway: open("turnedAway"),
    finished: open("finished"),
    attempts: open("attempts"),
    deferred: open("deferred"),
    superseded: open("superseded"),
    dispatched: open("dispatched"),
    rescued: open("rescued"),
    recordsHeld: open("recordsHeld"),
    recordsSpooled: open("recordsSpooled"),
    locksLost: open("locksLost"),
    circuitChanges: open("circuitChanges"),
    webhooks: open("webhooks"),
    inputTokens: open("inputTokens"),
    outputTokens: open("outputTokens"),
    costNanoUsd: open("costNanoUsd"),
    unpriced: open("unpriced"),
    unread: open("unread"),
  };
}

function histogramsOf(meter: Meter): Readonly<Record<MeasureName, Histogram>> {
  const open = (name: MeasureName) =>
    meter.createHistogram(measureNames[name], {
      description: measureMeanings[name],
      unit: "s",
      advice: { explicitBucketBoundaries: [...measureBounds[name]] },
    });
  return {
    queueWaitMs: open("queueWaitMs"),
    callMs: open("callMs"),
    firstTokenMs: open("firstTokenMs"),
    eventLoopLagMs: open("eventLoopLagMs"),
  };
}
