import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostAttempts, type PostAnswer, quietAfterMs, retryDelayMs, verdictOf } from "../../../src/webhook/verdict.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const hourMs = 3_600_000;
const first = { attempt: 1, failures: 0 };

describe("waits between attempts", () => {
  it("lie between three quarters and the whole of their step, and never above six hours", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), random, (attempt, chance) => {
        const step = Math.min(6 * hourMs, 5_000 * 3 ** (attempt - 1));
        const wait = retryDelayMs(attempt, chance);
        expect(wait).toBeGreaterThan(step * 0.749);
        expect(wait).toBeLessThanOrEqual(step);
      }),
    );
  });

  it("grow, and add up to three days before a delivery is given up, whatever the chance", () => {
    fc.assert(
      fc.property(fc.array(random, { minLength: mostAttempts, maxLength: mostAttempts }), (chances) => {
        let total = 0;
        for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
          const verdict = verdictOf({ status: 500 }, { attempt, failures: 0 }, chances[attempt - 1] ?? 0);
          expect(verdict.state).toBe(attempt === mostAttempts ? "dead" : "pending");
          total += verdict.delayMs ?? 0;
        }
        expect(total / hourMs).toBeGreaterThan(50);
        expect(total / hourMs).toBeLessThan(72);
      }),
    );
  });
});

describe("an answer", () => {
  it("of 2xx delivers, of 410 ends the receiver, and everything else comes again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), random, (status, chance) => {
        const { state, gone } = verdictOf({ status }, first, chance);
        expect(state).toBe(status >= 200 && status < 300 ? "delivered" : status === 410 ? "dead" : "pending");
        expect(gone === true).toBe(status === 410);
      }),
    );
  });

  it("that does not come is said in its words", () => {
    expect(verdictOf({ problem: "no answer in time" }, first, 0)).toMatchObject({
      state: "pending",
      error: "no answer in time",
    });
    expect(verdictOf({ status: 302 }, first, 0).error).toBe("302: redirects are not followed");
  });

  it("with Retry-After is obeyed up to six hours, for the receiver as a whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * hourMs }), random, (retryAfterMs, chance) => {
        const answer: PostAnswer = { status: 503, retryAfterMs };
        const { delayMs = 0, quietMs = 0 } = verdictOf(answer, first, chance);
        const asked = Math.min(retryAfterMs, 6 * hourMs);
        expect(delayMs).toBeGreaterThanOrEqual(asked);
        expect(delayMs).toBeLessThanOrEqual(Math.max(asked, 5_000));
        expect(quietMs).toBe(asked);
      }),
    );
  });
});

it("a receiver that fails many times in a row is left alone for longer and longer, up to five minutes", () => {
  expect([1, 4, 5, 6, 7, 11, 12, 1_000].map(quietAfterMs)).toEqual([
    0, 0, 5_000, 10_000, 20_000, 300_000, 300_000, 300_000,
  ]);
});
