import { trace } from "@opentelemetry/api";
import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { contextOf, traceparentOf } from "../../../src/telemetry/propagate.ts";

const hex = (length: number) =>
  array(constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
    .map((digits) => digits.join(""))
    .filter((text) => /[^0]/.test(text));

describe("traceparent", () => {
  it("comes out as it went in, sampled or not", () => {
    assert(
      property(hex(32), hex(16), constantFrom("00", "01"), (traceId, spanId, flags) => {
        const traceparent = `00-${traceId}-${spanId}-${flags}`;
        const context = contextOf(traceparent);
        const span = context === undefined ? undefined : trace.getSpan(context);
        expect(span === undefined ? undefined : traceparentOf(span)).toBe(traceparent);
      }),
    );
  });

  it.each([
    undefined,
    "",
    "00-abc-def-01",
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`,
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
  ])("takes %j as no parent at all", (traceparent) => {
    expect(contextOf(traceparent)).toBeUndefined();
  });

  it("takes a later version that says more", () => {
    expect(contextOf("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")).toBeDefined();
  });
});
