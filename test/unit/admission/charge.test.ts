import { describe, expect, it } from "vitest";
import { charge, chargeSoFar, reservation } from "../../../src/admission/charge.ts";
import { type ChargePolicy, type Dimension, dimensions } from "../../../src/config/pool.ts";
import { type FailureKind, failureKinds } from "../../../src/request/failure.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";
import type { Usage } from "../../../src/request/usage.ts";

const policyOf = (more: Partial<ChargePolicy> = {}): ChargePolicy => ({
  input: "exact",
  cacheReads: "free",
  output: "produced",
  outputWeight: 1,
  refund: "end",
  rejectsCount: false,
  ...more,
});
const answered = (usage: Usage): CallOutcome => ({
  ok: true,
  text: "",
  finish: { unified: "stop", raw: "stop" },
  usage,
});
const failed = (kind: FailureKind, usage?: Usage): CallOutcome => ({
  ok: false,
  failure: { kind, message: "" },
  ...(usage === undefined ? {} : { usage }),
});
const perDimension = (of: (dimension: Dimension) => number | undefined) =>
  dimensions.map((dimension) => of(dimension) ?? "stands");

describe("a reservation", () => {
  const call = { inputTokens: 1_000, outputTokens: 200, maxOutputTokens: 4_000 };
  //                                            requests, input, output, tokens, requests a day, tokens a day
  it.each<[Partial<ChargePolicy>, number[]]>([
    [{ output: "produced" }, [1, 1_000, 200, 1_200, 1, 1_200]],
    [{ output: "produced", outputWeight: 5 }, [1, 1_000, 1_000, 2_000, 1, 2_000]],
    [{ output: "reserved" }, [1, 1_000, 4_000, 5_000, 1, 5_000]],
    [{ output: "reserved", outputWeight: 5 }, [1, 1_000, 20_000, 21_000, 1, 21_000]],
    [{ output: "larger" }, [1, 1_000, 4_000, 4_000, 1, 4_000]],
    [{ output: "larger", outputWeight: 0.1 }, [1, 1_000, 400, 1_000, 1, 1_000]],
    [{ input: "estimated", output: "reserved", refund: "none" }, [1, 1_000, 4_000, 5_000, 1, 5_000]],
  ])("by %j is %j", (policy, units) => {
    expect(perDimension((dimension) => reservation(dimension, policyOf(policy), call))).toEqual(units);
  });
});

describe("a charge", () => {
  const reserved = 3_000;
  const of = (policy: Partial<ChargePolicy>, outcome: CallOutcome) =>
    perDimension((dimension) => charge(dimension, policyOf(policy), outcome, reserved));
  const usage = { inputTokens: 900, cacheReadTokens: 400, outputTokens: 200 };
  const large = { inputTokens: 4_000, cacheReadTokens: 500, outputTokens: 5_000 };
  const stands = "stands";

  it.each<[Partial<ChargePolicy>, Usage, (number | "stands")[]]>([
    [{}, usage, [stands, 500, 200, 700, stands, 700]],
    [{ cacheReads: "counted" }, usage, [stands, 900, 200, 1_100, stands, 1_100]],
    [{ outputWeight: 5 }, usage, [stands, 500, 1_000, 1_500, stands, 1_500]],
    [{}, large, [stands, 3_500, 5_000, 8_500, stands, 8_500]],
    // Nothing comes back, except output that was never reserved there.
    [{ refund: "none" }, usage, [stands, reserved, 200, reserved, stands, reserved]],
    [{ refund: "none" }, large, [stands, 3_500, 5_000, 8_500, stands, 8_500]],
    [{ output: "reserved", refund: "none" }, usage, [stands, reserved, reserved, reserved, stands, reserved]],
    [{ output: "reserved", refund: "end" }, usage, [stands, 500, 200, 700, stands, 700]],
    [{ output: "larger", refund: "end" }, usage, [stands, 500, 200, 700, stands, 700]],
    // The provider's own estimate of the input stands.
    [{ input: "estimated" }, usage, [stands, stands, 200, stands, stands, stands]],
    [
      { input: "estimated", output: "reserved", refund: "none" },
      usage,
      [stands, stands, reserved, stands, stands, stands],
    ],
    // Unknown is not nought.
    [{}, {}, [stands, stands, stands, stands, stands, stands]],
    [{}, { inputTokens: 900 }, [stands, 900, stands, stands, stands, stands]],
    [{}, { outputTokens: 200 }, [stands, stands, 200, stands, stands, stands]],
    [{}, { inputTokens: 0, outputTokens: 0 }, [stands, 0, 0, 0, stands, 0]],
  ])("by %j of %j is %j", (policy, used, units) => {
    expect(of(policy, answered(used))).toEqual(units);
    expect(of(policy, failed("stream", used))).toEqual(units);
  });

  const turnedAway: readonly FailureKind[] = [
    "rate",
    "ramp",
    "concurrency",
    "reduced",
    "quotaDay",
    "quotaHard",
    "capacity",
    "auth",
    "client",
  ];
  it.each(failureKinds)("of a call that ended in %s counts as the provider counts it", (kind) => {
    const nothing = dimensions.map(() => 0);
    const all = dimensions.map(() => stands);
    expect(of({ rejectsCount: false }, failed(kind))).toEqual(turnedAway.includes(kind) ? nothing : all);
    expect(of({ rejectsCount: true }, failed(kind))).toEqual(all);
    expect(of({ rejectsCount: true, refund: "none" }, failed(kind))).toEqual(all);
  });

  it("of output beyond what was expected is not lost where the input's estimate stands", () => {
    const policy = policyOf({ input: "estimated", output: "produced" });
    const expected = { inputTokens: 1_000, outputTokens: 200, maxOutputTokens: 4_000 };
    const held = reservation("tokens", policy, expected);
    const charged = charge("tokens", policy, answered({ inputTokens: 1_100, outputTokens: 4_000 }), held) ?? held;
    expect(charged).toBeGreaterThanOrEqual(5_000);
  });
});

describe("what a stream has produced", () => {
  it.each<[Partial<ChargePolicy>, (number | "stands")[]]>([
    [{ output: "produced" }, ["stands", "stands", 70, 70, "stands", 70]],
    [{ output: "produced", outputWeight: 5 }, ["stands", "stands", 350, 350, "stands", 350]],
    [{ output: "reserved" }, dimensions.map(() => "stands" as const)],
    [{ output: "larger" }, dimensions.map(() => "stands" as const)],
  ])("is charged by %j as %j", (policy, units) => {
    expect(perDimension((dimension) => chargeSoFar(dimension, policyOf(policy), 70))).toEqual(units);
  });
});
