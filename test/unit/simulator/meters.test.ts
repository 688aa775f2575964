import { describe, expect, test } from "vitest";
import { createMeters, type Meter } from "../../../src/simulator/meters.ts";
import type { LimitSettings } from "../../../src/simulator/options.ts";

const small = { inputTokens: 10, maxOutputTokens: 100 };

function metersWith(limits: LimitSettings) {
  const clock = { ms: 1_795_000_000_000, now: () => clock.ms };
  return { clock, meters: createMeters(limits, clock) };
}

/** How many of `tries` calls come through now. */
function admittedOf(meter: Meter, tries: number): number {
  let count = 0;
  for (let index = 0; index < tries; index += 1) {
    const admission = meter.admit(small);
    if (admission.admitted) {
      admission.permit.release();
      count += 1;
    }
  }
  return count;
}

describe("a meter", () => {
  test("lets everything through where nothing is limited", () => {
    const meter = metersWith({}).meters.of("openai", "sim-a", "gpt-5");
    expect(admittedOf(meter, 1_000)).toBe(1_000);
    expect(meter.readings()).toEqual({});
  });

  test("refills all the time, not once a minute", () => {
    const { clock, meters } = metersWith({ openai: { requestsPerMinute: 60 } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    expect(admittedOf(meter, 100)).toBe(60);
    clock.ms += 999;
    expect(admittedOf(meter, 1)).toBe(0);
    clock.ms += 1;
    expect(admittedOf(meter, 5)).toBe(1);
    clock.ms += 30_000;
    expect(admittedOf(meter, 100)).toBe(30);
  });

  test("banks no more than a full bucket, however long nobody calls", () => {
    const { clock, meters } = metersWith({ openai: { requestsPerMinute: 60, burstSeconds: 10 } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    clock.ms += 3_600_000;
    expect(admittedOf(meter, 5)).toBe(5);
    clock.ms += 3_600_000;
    expect(admittedOf(meter, 100)).toBe(10);
  });

  test("keeps keys, vendors and model classes apart", () => {
    const { meters } = metersWith({ openai: { requestsPerMinute: 1 }, gemini: { requestsPerMinute: 1 } });
    expect(admittedOf(meters.of("openai", "sim-a", "gpt-5"), 2)).toBe(1);
    expect(admittedOf(meters.of("openai", "sim-b", "gpt-5"), 2)).toBe(1);
    expect(admittedOf(meters.of("openai", "sim-a", "gpt-5-mini"), 2)).toBe(1);
    expect(admittedOf(meters.of("gemini", "sim-a", "gpt-5"), 2)).toBe(1);
    expect(admittedOf(meters.of("openai", "sim-a", "gpt-5"), 2)).toBe(0);
  });

  test("takes a class' own limit before the vendor's", () => {
    const { meters } = metersWith({ openai: { requestsPerMinute: 9, classes: { mini: { requestsPerMinute: 2 } } } });
    expect(admittedOf(meters.of("openai", "sim-a", "mini"), 20)).toBe(2);
    expect(admittedOf(meters.of("openai", "sim-a", "big"), 20)).toBe(9);
  });

  test("consumes nothing of any dimension when one of them refuses", () => {
    const { meters } = metersWith({ anthropic: { requestsPerMinute: 10, inputTokensPerMinute: 25 } });
    const meter = meters.of("anthropic", "sim-a", "haiku");
    expect(admittedOf(meter, 5)).toBe(2);
    expect(meter.readings()).toMatchObject({ requests: { remaining: 8 }, inputTokens: { remaining: 5 } });
  });

  test("names the dimension that blocks longest, and a wait that is enough", () => {
    const { clock, meters } = metersWith({ anthropic: { requestsPerMinute: 60, inputTokensPerMinute: 20 } });
    const meter = meters.of("anthropic", "sim-a", "haiku");
    expect(admittedOf(meter, 2)).toBe(2);
    const refused = meter.admit(small);
    expect(refused).toMatchObject({
      admitted: false,
      refusal: {
        dimension: "inputTokens",
        limit: 20,
        used: 20,
        requested: 10,
        retryAfterMs: 30_000,
        isTooLarge: false,
      },
    });
    clock.ms += 29_999;
    expect(meter.admit(small).admitted).toBe(false);
    clock.ms += 1;
    expect(meter.admit(small).admitted).toBe(true);
  });

  test("says that a call larger than the whole limit never passes", () => {
    const { meters } = metersWith({ openai: { tokensPerMinute: 100 } });
    expect(meters.of("openai", "sim-a", "gpt-5").admit(small)).toMatchObject({
      admitted: false,
      refusal: { dimension: "tokens", requested: 110, isTooLarge: true },
    });
  });

  test("reserves input and maximum output at the start and gives nothing back", () => {
    const { meters } = metersWith({ openai: { tokensPerMinute: 250 } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    const first = meter.admit(small);
    if (first.admitted) {
      first.permit.produced(1);
      first.permit.release();
    }
    expect(meter.readings()).toMatchObject({ tokens: { limit: 250, remaining: 140 } });
  });

  test("charges output as it is produced, into debt if need be", () => {
    const { clock, meters } = metersWith({ anthropic: { outputTokensPerMinute: 600 } });
    const meter = meters.of("anthropic", "sim-a", "haiku");
    const first = meter.admit(small);
    if (first.admitted) {
      first.permit.produced(500);
      expect(meter.readings()).toMatchObject({ outputTokens: { remaining: 100 } });
      first.permit.produced(200);
    }
    const refused = meter.admit(small);
    // 100 in debt, and one token must be left: 101 tokens at 100 ms each.
    expect(refused).toMatchObject({ refusal: { dimension: "outputTokens", used: 700, retryAfterMs: 10_100 } });
    clock.ms += 10_100;
    expect(meter.admit(small).admitted).toBe(true);
  });

  test("counts calls under way, and a place is given back once", () => {
    const { meters } = metersWith({ gemini: { concurrency: 2 } });
    const meter = meters.of("gemini", "sim-a", "flash");
    const [first, second] = [meter.admit(small), meter.admit(small)];
    expect(meter.admit(small)).toMatchObject({ refusal: { dimension: "concurrency", limit: 2, used: 2 } });
    if (first.admitted && second.admitted) {
      first.permit.release();
      first.permit.release();
    }
    expect(meter.admit(small).admitted).toBe(true);
    expect(meter.admit(small).admitted).toBe(false);
  });

  test("lets refused calls cost a request where rejects count, but never more than there is", () => {
    const { clock, meters } = metersWith({ openai: { requestsPerMinute: 60, rejectsCount: true } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    expect(admittedOf(meter, 60)).toBe(60);
    for (let tick = 0; tick < 50; tick += 1) {
      clock.ms += 100;
      expect(meter.admit(small).admitted).toBe(false);
    }
    clock.ms += 1_000;
    expect(meter.admit(small).admitted).toBe(true);
  });

  test("takes new limits while it runs and keeps what was used", () => {
    const { meters } = metersWith({ openai: { requestsPerMinute: 10 }, gemini: { requestsPerMinute: 1 } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    expect(admittedOf(meter, 4)).toBe(4);
    meters.change({ openai: { requestsPerMinute: 6 } });
    expect(meter.readings()).toMatchObject({ requests: { limit: 6, remaining: 2 } });
    expect(admittedOf(meter, 10)).toBe(2);
    meters.change({ openai: {} });
    expect(admittedOf(meter, 10)).toBe(10);
    expect(meters.settings).toEqual({ openai: {}, gemini: { requestsPerMinute: 1 } });
  });

  test("grows stricter, not laxer, when its clock steps back", () => {
    const { clock, meters } = metersWith({ openai: { requestsPerMinute: 60 } });
    const meter = meters.of("openai", "sim-a", "gpt-5");
    expect(admittedOf(meter, 60)).toBe(60);
    clock.ms -= 5_000;
    expect(admittedOf(meter, 10)).toBe(0);
    clock.ms += 5_000;
    expect(admittedOf(meter, 10)).toBe(0);
  });
});
