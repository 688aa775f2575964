import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMeters, type Meter, type Permit } from "../../../src/simulator/meters.ts";
import { type LimitSettings, type Limits, limitSettingsSchema } from "../../../src/simulator/options.ts";

const small = { inputTokens: 10, maxOutputTokens: 100 };

/** A meter whose clock stands at 11:06:40 UTC. */
function meterWith(limits: Limits) {
  const clock = { ms: Date.parse("2026-11-18T11:06:40Z"), now: () => clock.ms };
  const meters = createMeters({ openai: limits }, clock);
  return { clock, meters, meter: meters.of("openai", "sim-a", "gpt-5") };
}

function permitOf(meter: Meter): Permit {
  const admission = meter.admit(small);
  if (!admission.admitted) throw new Error(`refused by ${admission.refusal.dimension}`);
  return admission.permit;
}

/** How many of `tries` calls come through now and stay under way. */
const admittedOf = (meter: Meter, tries: number): number =>
  Array.from({ length: tries }, () => meter.admit(small)).filter(({ admitted }) => admitted).length;

describe("a refund", () => {
  test("gives back what was reserved and not produced, when the call is over, once", () => {
    const { meter } = meterWith({ tokensPerMinute: 1_000, refund: true });
    const permit = permitOf(meter);
    permit.produced(15);
    permit.produced(25);
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 890 } });
    permit.release();
    permit.release();
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 950 } });
  });

  test("is nothing where more was produced than reserved", () => {
    const { meter } = meterWith({ tokensPerMinute: 1_000, refund: true });
    const permit = permitOf(meter);
    permit.produced(500);
    permit.release();
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 890 } });
  });

  test("never lifts a bucket above full, however late it comes", () => {
    const calls = fc.array(
      fc.record({
        afterMs: fc.nat(40_000),
        inputTokens: fc.integer({ min: 1, max: 300 }),
        maxOutputTokens: fc.nat(500),
        producedShare: fc.double({ min: 0, max: 1, noNaN: true }),
        endsBeforeCall: fc.nat(40),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(calls, (list) => {
        const { clock, meter } = meterWith({ tokensPerMinute: 1_000, refund: true });
        const capacity = 1_000;
        const underWay: { permit: Permit; unused: number; endsBeforeCall: number }[] = [];
        let level = capacity;
        list.forEach(({ afterMs, producedShare, endsBeforeCall, ...demand }, place) => {
          clock.ms += afterMs;
          level = Math.min(capacity, level + (afterMs * capacity) / 60_000);
          for (const call of underWay.filter((one) => one.endsBeforeCall === place)) {
            call.permit.release();
            level = Math.min(capacity, level + call.unused);
          }
          const needed = demand.inputTokens + demand.maxOutputTokens;
          // On the edge the two ways of counting may differ by their rounding: such a run says nothing.
          fc.pre(Math.abs(level - needed) > 1e-4 || Number.isInteger(level));
          const admission = meter.admit(demand);
          expect(admission.admitted).toBe(needed <= level);
          if (!admission.admitted) return;
          level -= needed;
          const produced = Math.floor(demand.maxOutputTokens * producedShare);
          admission.permit.produced(produced);
          underWay.push({
            permit: admission.permit,
            unused: demand.maxOutputTokens - produced,
            endsBeforeCall: place + 1 + endsBeforeCall,
          });
        });
        for (const { permit } of underWay) permit.release();
        expect(meter.readings().tokens?.remaining).toBeLessThanOrEqual(capacity);
      }),
    );
  });

  test("gives nothing back to a calendar minute that is over", () => {
    const { clock, meter } = meterWith({ tokensPerMinute: 1_000, refund: true, tokensWindow: "minute" });
    const [late, inTime] = [permitOf(meter), permitOf(meter)];
    inTime.release();
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 880 } });
    clock.ms += 20_000;
    permitOf(meter);
    late.release();
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 890 } });
  });

  test("lifts no limit that did not charge the call", () => {
    const { meter, meters } = meterWith({ requestsPerMinute: 10, refund: true });
    const free = permitOf(meter);
    meters.change({ openai: { tokensPerMinute: 1_000, refund: true } });
    const charged = permitOf(meter);
    free.release();
    expect(meter.readings()).toMatchObject({ tokens: { remaining: 890 } });
    meters.change({ openai: { tokensPerMinute: 500, refund: true } });
    charged.release();
    expect(meter.readings()).toMatchObject({ tokens: { limit: 500, remaining: 490 } });
  });
});

describe("tokens by the calendar minute", () => {
  test("come back all at once at the minute, in every dimension of tokens", () => {
    const limits = { inputTokensPerMinute: 30, outputTokensPerMinute: 500, tokensPerMinute: 330 };
    const { clock, meter } = meterWith({ ...limits, tokensWindow: "minute" });
    expect(admittedOf(meter, 9)).toBe(3);
    expect(meter.admit(small)).toMatchObject({ refusal: { dimension: "inputTokens", retryAfterMs: 20_000 } });
    clock.ms += 19_999;
    expect(admittedOf(meter, 9)).toBe(0);
    expect(meter.readings()).toEqual({
      inputTokens: { limit: 30, remaining: 0, fullInMs: 1 },
      outputTokens: { limit: 500, remaining: 500, fullInMs: 1 },
      tokens: { limit: 330, remaining: 0, fullInMs: 1 },
    });
    clock.ms += 1;
    expect(admittedOf(meter, 9)).toBe(3);
  });

  test("charge output to the minute in which it is produced", () => {
    const { clock, meter } = meterWith({ outputTokensPerMinute: 100, tokensWindow: "minute" });
    const permit = permitOf(meter);
    permit.produced(160);
    expect(meter.admit(small)).toMatchObject({ refusal: { dimension: "outputTokens", used: 160 } });
    clock.ms += 20_000;
    permit.produced(30);
    expect(meter.readings()).toMatchObject({ outputTokens: { remaining: 70 } });
  });

  test("begin their minute later where a phase says so", () => {
    const { clock, meter } = meterWith({ tokensPerMinute: 110, tokensWindow: "minute", phaseMs: 50_000 });
    expect(admittedOf(meter, 2)).toBe(1);
    clock.ms += 9_999;
    expect(admittedOf(meter, 2)).toBe(0);
    clock.ms += 1;
    expect(admittedOf(meter, 2)).toBe(1);
  });
});

describe("requests in windows", () => {
  test.each([
    [600, 1_000, 10],
    [600, 10_000, 100],
    [119, 1_000, 1],
    [30, 1_000, 1],
  ])("of %d a minute in %d ms are %d", (requestsPerMinute, requestsWindowMs, perWindow) => {
    const { clock, meter } = meterWith({ requestsPerMinute, requestsWindowMs });
    clock.ms += 250;
    expect(admittedOf(meter, 200)).toBe(perWindow);
    const endsInMs = requestsWindowMs - 250;
    expect(meter.admit(small)).toMatchObject({ refusal: { dimension: "requests", retryAfterMs: endsInMs } });
    expect(meter.readings()).toEqual({ requests: { limit: requestsPerMinute, remaining: 0, fullInMs: endsInMs } });
    clock.ms += endsInMs;
    expect(admittedOf(meter, 200)).toBe(perWindow);
  });

  test("leave tokens to their own shape", () => {
    const { clock, meter } = meterWith({ requestsPerMinute: 600, requestsWindowMs: 1_000, tokensPerMinute: 660 });
    expect(admittedOf(meter, 9)).toBe(6);
    clock.ms += 10_000;
    expect(meter.readings()).toMatchObject({ requests: { remaining: 10 }, tokens: { remaining: 110 } });
  });

  test("are taken by refused calls where rejects count, while there are any", () => {
    const limits = { requestsPerMinute: 240, requestsWindowMs: 1_000, requestsPerDay: 6, inputTokensPerMinute: 10 };
    const { clock, meter } = meterWith({ ...limits, rejectsCount: true });
    expect(admittedOf(meter, 3)).toBe(1);
    expect(meter.readings()).toMatchObject({ requests: { remaining: 1 }, requestsPerDay: { remaining: 3 } });
    expect(admittedOf(meter, 5)).toBe(0);
    expect(meter.readings()).toMatchObject({ requests: { remaining: 0 }, requestsPerDay: { remaining: 0 } });
    clock.ms += 1_000;
    expect(meter.readings()).toMatchObject({ requests: { remaining: 4 }, requestsPerDay: { remaining: 0 } });
  });
});

test("requests of a day come back at midnight UTC, whatever the phase of other windows", () => {
  const { clock, meter } = meterWith({ requestsPerDay: 3, requestsPerMinute: 600, phaseMs: 5_000 });
  expect(admittedOf(meter, 9)).toBe(3);
  const untilMidnightMs = Date.parse("2026-11-19T00:00:00Z") - clock.ms;
  expect(meter.admit(small)).toMatchObject({
    refusal: { dimension: "requestsPerDay", limit: 3, used: 3, retryAfterMs: untilMidnightMs, isTooLarge: false },
  });
  clock.ms += untilMidnightMs;
  expect(admittedOf(meter, 9)).toBe(3);
});

test("a class of models has a shape of its own", () => {
  const clock = { now: () => Date.parse("2026-11-18T11:06:40Z") };
  const classes = { mini: { requestsWindowMs: 1_000 }, big: { requestsPerDay: 2 } };
  const meters = createMeters({ openai: { requestsPerMinute: 60, classes } }, clock);
  const counts = ["mini", "big", "other"].map((name) => admittedOf(meters.of("openai", "sim-a", name), 99));
  expect(counts).toEqual([1, 2, 60]);
});

test("a caller's first call is metered at its own moment, though the clock has gone on since", () => {
  const clock = { ms: Date.parse("2026-11-18T11:06:59.999Z"), now: () => clock.ms };
  const arrivedAtMs = clock.ms;
  for (const limits of [{ requestsPerMinute: 1 }, { requestsPerMinute: 60, requestsWindowMs: 1_000 }]) {
    const meters = createMeters({ openai: limits }, clock);
    clock.ms = arrivedAtMs + 2;
    const meter = meters.of("openai", "sim-a", "gpt-5", arrivedAtMs);
    expect(meter.admit(small, arrivedAtMs).admitted).toBe(true);
    expect(meter.admit(small, arrivedAtMs).admitted).toBe(false);
    expect(meter.admit(small).admitted).toBe("requestsWindowMs" in limits);
  }
});

test("what is used stays used when a limit changes its shape", () => {
  const { meter, meters } = meterWith({ tokensPerMinute: 1_000, requestsPerMinute: 100 });
  expect(admittedOf(meter, 4)).toBe(4);
  const windows: Limits = { tokensPerMinute: 1_000, tokensWindow: "minute", requestsPerMinute: 300 };
  meters.change({ openai: { ...windows, requestsWindowMs: 1_000 } });
  expect(meter.readings()).toMatchObject({ tokens: { remaining: 560 }, requests: { limit: 300, remaining: 1 } });
  meters.change({ openai: { tokensPerMinute: 2_000, requestsPerMinute: 10 } });
  expect(meter.readings()).toMatchObject({ tokens: { remaining: 1_560 }, requests: { remaining: 6 } });
});

test.each<LimitSettings>([
  { openai: { requestsWindowMs: 0 } },
  { openai: { requestsWindowMs: 1.5 } },
  { openai: { phaseMs: -1 } },
  { openai: { requestsPerDay: 0.5 } },
])("%o is no setting", (settings) => {
  expect(limitSettingsSchema.safeParse(settings).success).toBe(false);
});
