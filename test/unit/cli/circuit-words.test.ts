import { describe, expect, it } from "vitest";
import { sinceOf } from "../../../producers/cli/circuit-look.ts";
import { callWords, circuitSummary, nextWords } from "../../../producers/cli/circuit-words.ts";
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import type { CircuitEvent } from "../../../src/ledger/circuit-events.ts";

const status = (more: Partial<CircuitStatus> = {}): CircuitStatus => ({
  provider: "anthropic",
  deployment: "anthropic/claude-haiku-4-5",
  state: "closed",
  wholeProvider: false,
  sinceMs: undefined,
  reason: undefined,
  openForMs: undefined,
  failuresInARow: 0,
  calls: 0,
  failures: 0,
  ramping: false,
  pausedForMs: 0,
  ...more,
});

describe("what a circuit does next", () => {
  it("is to let calls go where it is closed, unless the provider asked to wait", () => {
    expect(nextWords(status())).toBe("calls go");
    expect(nextWords(status({ ramping: true }))).toBe("calls go, few at first");
    expect(nextWords(status({ pausedForMs: 4_000 }))).toBe("calls go on in 4 s, as the provider asked");
  });

  it("is to find out with one call, after its time or now", () => {
    expect(nextWords(status({ state: "open", openForMs: 42_000 }))).toBe("one call may find out in 42 s");
    expect(nextWords(status({ state: "open", openForMs: 0 }))).toBe("the next call finds out");
    expect(nextWords(status({ state: "half-open" }))).toContain("waits for the answer to one call");
  });

  it("names the command that ends an isolation, for whatever is isolated", () => {
    expect(nextWords(status({ state: "isolated" }))).toContain("circuit reset anthropic/claude-haiku-4-5");
    expect(nextWords(status({ state: "isolated", wholeProvider: true }))).toMatch(/circuit reset anthropic$/);
    expect(nextWords(status({ state: "credential-off", wholeProvider: true }))).toMatch(
      /another key.*reset anthropic$/,
    );
  });
});

describe("the circuits of a provider in short", () => {
  it("are one word when they agree, and the exceptions by model when they do not", () => {
    const sonnet = "anthropic/claude-sonnet-5";
    expect(circuitSummary([])).toBe("-");
    expect(circuitSummary([status(), status({ deployment: sonnet })])).toBe("closed");
    expect(circuitSummary([status({ state: "credential-off" })])).toBe("credential off");
    expect(circuitSummary([status(), status({ deployment: sonnet, state: "open" })])).toBe("claude-sonnet-5 open");
  });
});

it("counts calls in words", () => {
  expect(callWords(status())).toBe("no calls");
  expect(callWords(status({ calls: 12, failures: 3 }))).toBe("3 of 12 failed");
});

describe("since when something is closed off", () => {
  const event = (more: Partial<CircuitEvent>): CircuitEvent => ({
    id: "1",
    at: new Date(1_000),
    provider: "anthropic",
    deployment: undefined,
    fromState: "closed",
    toState: "isolated",
    reason: "maintenance",
    by: "operator",
    ...more,
  });
  const isolated = status({ state: "isolated" });

  it("is told by the latest event of just that switch", () => {
    const own = event({ deployment: isolated.deployment, at: new Date(3_000) });
    expect(sinceOf(isolated, [event({}), own], 5_000)).toBe(2_000);
    expect(sinceOf({ ...isolated, wholeProvider: true }, [event({}), own], 5_000)).toBe(4_000);
  });

  it("is unknown where the latest event is of another state or another provider", () => {
    expect(sinceOf(isolated, [event({ deployment: isolated.deployment, toState: "closed" })], 5_000)).toBeUndefined();
    expect(sinceOf({ ...isolated, wholeProvider: true }, [event({ provider: "openai" })], 5_000)).toBeUndefined();
    expect(sinceOf(status(), [event({ toState: "closed" })], 5_000)).toBeUndefined();
  });
});
