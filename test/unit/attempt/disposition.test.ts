import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Disposition, dispositionFor, type Situation } from "../../../src/attempt/disposition.ts";
import { type AttemptPolicy, retryableKinds } from "../../../src/config/attempt-policy.ts";
import { type FailureKind, failureKinds } from "../../../src/request/failure.ts";

const policy: AttemptPolicy = {
  perDeployment: 3,
  total: 6,
  schemaRetries: 2,
  baseMs: 500,
  capMs: 30_000,
  retryOn: retryableKinds,
};
const first: Situation = {
  spentHere: 1,
  spentInAll: 1,
  policy,
  schemaMisses: 1,
  hasNextDeployment: false,
  nextIsOpen: true,
  canWaitForPerson: false,
  maxWaitMs: 10_000,
  remainingMs: undefined,
  random: 0.5,
};
const failure = (kind: FailureKind, retryAfterMs?: number) => ({
  kind,
  message: "m",
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const nextFor = (kind: FailureKind, now: Partial<Situation>) =>
  dispositionFor(failure(kind), { ...first, ...now }).next;

type Next = Disposition["next"];
/** The first failure; the last one on this deployment; the last one of all: alone, and with a deployment to go to. */
const table: Readonly<
  Record<FailureKind, { alone: readonly [Next, Next, Next]; beside: readonly [Next, Next, Next] }>
> = {
  rate: { alone: ["defer", "defer", "defer"], beside: ["defer", "defer", "defer"] },
  ramp: { alone: ["defer", "defer", "defer"], beside: ["defer", "defer", "defer"] },
  concurrency: { alone: ["defer", "defer", "defer"], beside: ["defer", "defer", "defer"] },
  reduced: { alone: ["defer", "defer", "defer"], beside: ["defer", "defer", "defer"] },
  quotaDay: { alone: ["defer", "defer", "defer"], beside: ["fallBack", "fallBack", "fallBack"] },
  quotaHard: { alone: ["fail", "fail", "fail"], beside: ["fallBack", "fallBack", "fail"] },
  capacity: { alone: ["retry", "fail", "fail"], beside: ["retry", "fallBack", "fail"] },
  server: { alone: ["retry", "fail", "fail"], beside: ["retry", "fallBack", "fail"] },
  timeout: { alone: ["retry", "fail", "fail"], beside: ["retry", "fallBack", "fail"] },
  network: { alone: ["retry", "fail", "fail"], beside: ["retry", "fallBack", "fail"] },
  stream: { alone: ["retry", "fail", "fail"], beside: ["retry", "fallBack", "fail"] },
  auth: { alone: ["fail", "fail", "fail"], beside: ["fallBack", "fallBack", "fail"] },
  client: { alone: ["fail", "fail", "fail"], beside: ["fail", "fail", "fail"] },
  schema: { alone: ["retry", "fail", "fail"], beside: ["retry", "fail", "fail"] },
  stopped: { alone: ["defer", "defer", "defer"], beside: ["defer", "defer", "defer"] },
  deadline: { alone: ["fail", "fail", "fail"], beside: ["fail", "fail", "fail"] },
};

describe.each(failureKinds)("after %s", (kind) => {
  it("goes where the table says", () => {
    const situations = [
      { spentHere: 1, spentInAll: 1 },
      { spentHere: policy.perDeployment, spentInAll: policy.perDeployment },
      { spentHere: policy.perDeployment, spentInAll: policy.total },
    ];
    expect(situations.map((now) => nextFor(kind, now))).toEqual(table[kind].alone);
    expect(situations.map((now) => nextFor(kind, { ...now, hasNextDeployment: true }))).toEqual(table[kind].beside);
  });

  it("does not wait beyond the deadline: it moves on, or fails", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 120_000 }),
        fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: undefined }),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (remainingMs, retryAfterMs, hasNextDeployment, random) => {
          const next = dispositionFor(failure(kind, retryAfterMs), {
            ...first,
            remainingMs,
            hasNextDeployment,
            random,
          });
          if ("delayMs" in next) expect(next.delayMs).toBeLessThan(remainingMs);
          if (next.next === "fallBack") expect(hasNextDeployment).toBe(true);
        },
      ),
    );
  });

  it("waits at least as long as the provider said", () => {
    const next = dispositionFor(failure(kind, 7_000), { ...first, random: 0 });
    if ("delayMs" in next) expect(next.delayMs).toBeGreaterThanOrEqual(7_000);
  });
});

const deferring = failureKinds.filter((kind) => table[kind].alone[0] === "defer");
const waits = fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: undefined });

describe("a kind that the policy does not retry", () => {
  it.each(retryableKinds)("(%s) moves on at once, and fails where there is nowhere to go", (kind) => {
    const retryOn = retryableKinds.filter((one) => one !== kind);
    const now = { policy: { ...policy, retryOn } };
    expect(nextFor(kind, { ...now, hasNextDeployment: true })).toBe("fallBack");
    expect(nextFor(kind, now)).toBe("fail");
    for (const other of retryOn) expect(nextFor(other, now)).toBe("retry");
  });

  it("changes nothing for kinds that are not retried anyway", () => {
    const others = failureKinds.filter((kind) => !retryableKinds.some((one) => one === kind));
    for (const kind of others) {
      const now = { hasNextDeployment: true };
      expect(nextFor(kind, { ...now, policy: { ...policy, retryOn: [] } })).toBe(nextFor(kind, now));
    }
  });
});

describe("a wait that is longer than the route allows", () => {
  const longer = (kind: FailureKind, now: Partial<Situation>) =>
    dispositionFor(failure(kind, 10_001), { ...first, ...now });

  it.each(deferring)("after %s moves on, unspent, and is waited for where there is nowhere to go", (kind) => {
    expect(longer(kind, { hasNextDeployment: true })).toEqual({ next: "fallBack", spent: false });
    expect(longer(kind, {})).toMatchObject({ next: "defer" });
  });

  it.each(retryableKinds)("after %s moves on, spent, and is waited for where there is nowhere to go", (kind) => {
    expect(longer(kind, { hasNextDeployment: true })).toEqual({ next: "fallBack", spent: true });
    expect(longer(kind, {})).toMatchObject({ next: "retry" });
  });

  it("is no shorter one: as long as the route allows is waited for", () => {
    const next = (kind: FailureKind) =>
      dispositionFor(failure(kind, 10_000), { ...first, hasNextDeployment: true }).next;
    const waiting = deferring.filter((kind) => kind !== "quotaDay");
    expect(waiting.map(next)).toEqual(waiting.map(() => "defer"));
    expect(retryableKinds.map(next)).toEqual(retryableKinds.map(() => "retry"));
  });
});

describe("moving on", () => {
  it("spends the attempt unless the call was only put off, whatever the reason to move", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...failureKinds),
        waits,
        waits,
        waits,
        (kind, retryAfterMs, maxWaitMs, remainingMs) => {
          const situation = { ...first, hasNextDeployment: true, maxWaitMs: maxWaitMs ?? 0, remainingMs };
          const next = dispositionFor(failure(kind, retryAfterMs), situation);
          if (next.next === "fallBack") expect(next.spent).toBe(!deferring.includes(kind));
        },
      ),
    );
  });
});

/** The life of a request under a sequence of failures: what the ledger counts, by the same rules as the ledger's. */
function live(
  kinds: readonly FailureKind[],
  deployments: number,
  limits: Pick<AttemptPolicy, "perDeployment" | "total">,
) {
  const spent = Array<number>(deployments).fill(0);
  let here = 0;
  let deferrals = 0;
  for (const kind of kinds) {
    const spentHere = (spent[here] ?? 0) + 1;
    const spentInAll = spent.reduce((sum, n) => sum + n, 0) + 1;
    const next = dispositionFor(failure(kind), {
      ...first,
      spentHere,
      spentInAll,
      policy: { ...policy, ...limits },
      hasNextDeployment: here + 1 < deployments,
    });
    if (next.next === "defer" || (next.next === "fallBack" && !next.spent)) deferrals += 1;
    else spent[here] = spentHere;
    if (next.next === "fail") return { spent, deferrals, ended: true };
    if (next.next === "fallBack") here += 1;
  }
  return { spent, deferrals, ended: false };
}

describe("a life of failures", () => {
  const kinds = fc.array(fc.constantFrom(...failureKinds), { maxLength: 60 });
  const limits = fc.record({
    perDeployment: fc.integer({ min: 1, max: 5 }),
    total: fc.integer({ min: 1, max: 12 }),
  });

  it("never spends more than the attempts allowed, on one deployment or on all", () => {
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 4 }), limits, (sequence, deployments, allowed) => {
        const { spent } = live(sequence, deployments, allowed);
        for (const n of spent) expect(n).toBeLessThanOrEqual(allowed.perDeployment);
        expect(spent.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(allowed.total);
      }),
      { numRuns: 500 },
    );
  });

  it("ends after at most as many failures that spend as attempts are allowed", () => {
    const spending = failureKinds.filter((kind) => table[kind].alone[0] !== "defer");
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...spending), { minLength: 12, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        limits,
        (sequence, deployments, allowed) => live(sequence, deployments, allowed).ended,
      ),
    );
  });

  it("spends nothing on deferrals, however many there are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("rate", "ramp", "concurrency", "reduced" as const)),
        limits,
        (sequence, allowed) => {
          const { spent, deferrals, ended } = live(sequence, 3, allowed);
          expect({ spent, deferrals, ended }).toEqual({ spent: [0, 0, 0], deferrals: sequence.length, ended: false });
        },
      ),
    );
  });
});

describe("a refused credential", () => {
  const waits = { canWaitForPerson: true };

  it("makes what nobody waits for wait for a person, as long as it has attempts", () => {
    for (const kind of ["auth", "quotaHard"] as const) {
      expect(nextFor(kind, waits)).toBe("handBack");
      expect(nextFor(kind, { ...waits, spentHere: policy.perDeployment })).toBe("fail");
      expect(nextFor(kind, { ...waits, spentInAll: policy.total })).toBe("fail");
    }
  });

  it("sends it to another deployment first, where there is one", () => {
    expect(nextFor("auth", { ...waits, hasNextDeployment: true })).toBe("fallBack");
  });
});
