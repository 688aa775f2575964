/** The whole life of a request as runAttempt lives it, with the counts that the ledger keeps beside it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClaimedRequest } from "../../../src/ledger/claim.ts";
import { type FailureKind, failureKinds } from "../../../src/request/failure.ts";
import { answered, attempt, claimed, failing, refused, smart } from "./attempt-deps.ts";

type Turn =
  | { readonly does: "fail"; readonly kind: FailureKind; readonly retryAfterMs: number | undefined }
  | { readonly does: "block" | "die" | "answer" };

/** Calls that count, by deployment; a call that is only put off, or stopped, is none. */
interface Life {
  readonly spent: Map<string, number>;
  readonly visited: string[];
  end: "succeed" | "fail" | "hold" | undefined;
  calls: number;
}

interface Policy {
  readonly perDeployment: number;
  readonly total: number;
  readonly schemaRetries: number;
}

async function live(turns: readonly Turn[], policy: Policy, closed: readonly string[]): Promise<Life> {
  const life: Life = { spent: new Map(), visited: [], end: undefined, calls: 0 };
  let request: ClaimedRequest = claimed();
  const spend = (deployment: string) => life.spent.set(deployment, (life.spent.get(deployment) ?? 0) + 1);
  for (const turn of turns) {
    const { deployment } = request;
    life.visited.push(deployment);
    if (turn.does === "die") {
      // Its worker is lost: the claim has spent the attempt, and the rescue brings the row back.
      const { here, inAll } = { here: request.attemptsSpentHere, inAll: request.attemptsSpent };
      if (here >= policy.perDeployment || inAll >= policy.total) continue;
      spend(deployment);
      request = {
        ...request,
        dispatchNo: request.dispatchNo + 1,
        attemptsSpent: inAll + 1,
        attemptsSpentHere: here + 1,
      };
      continue;
    }
    const { record, story } = await attempt(request, {
      answer: async () =>
        turn.does === "fail"
          ? failing({
              kind: turn.kind,
              ...(turn.retryAfterMs === undefined ? {} : { retryAfterMs: turn.retryAfterMs }),
            })
          : answered,
      ...(turn.does === "block" ? { verdicts: [refused("circuit", 60_000)] } : {}),
      stands: Object.fromEntries(closed.map((id) => [id, refused("circuit", 60_000)])),
      settings: {
        attempts: { ...policy, baseMs: 1, capMs: 2, retryOn: ["capacity", "server", "timeout", "network", "stream"] },
      },
    });
    if (record === undefined) throw new Error("nothing was recorded");
    life.calls += story.calls;
    if (record.spent) {
      expect(story.calls).toBe(1);
      spend(deployment);
    }
    if (record.event === "succeed" || record.event === "fail" || record.event === "hold") {
      life.end = record.event;
      return life;
    }
    const spent = record.spent ? 1 : 0;
    request = {
      ...request,
      dispatchNo: request.dispatchNo + 1,
      attemptsSpent: request.attemptsSpent + spent,
      attemptsSpentHere: record.onward === undefined ? request.attemptsSpentHere + spent : record.onward.spentThere,
      ...(record.onward ?? {}),
    };
  }
  return life;
}

const failed = fc.record({
  does: fc.constant("fail" as const),
  kind: fc.constantFrom(...failureKinds),
  retryAfterMs: fc.constantFrom(undefined, 500, 30_000),
});
const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 6, arbitrary: failed },
  { weight: 2, arbitrary: fc.constant<Turn>({ does: "block" }) },
  { weight: 1, arbitrary: fc.constant<Turn>({ does: "die" }) },
);
const policy = fc.record({
  perDeployment: fc.integer({ min: 1, max: 4 }),
  total: fc.integer({ min: 1, max: 8 }),
  schemaRetries: fc.integer({ min: 0, max: 3 }),
});
const closed = fc.subarray([...smart]);
const sum = (life: Life) => [...life.spent.values()].reduce((all, n) => all + n, 0);

describe("a life of failures", () => {
  it("makes no more calls that count than are allowed, in all and on one deployment, however often it moves and whatever fails, blocks or dies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 40 }), policy, closed, async (turns, allowed, shut) => {
        const life = await live(turns, allowed, shut);
        expect(sum(life)).toBeLessThanOrEqual(allowed.total);
        for (const spent of life.spent.values()) expect(spent).toBeLessThanOrEqual(allowed.perDeployment);
      }),
      { numRuns: 300 },
    );
  });

  it("spends on a deployment that it comes back to what is left there, and no more", async () => {
    const server: Turn = { does: "fail", kind: "server", retryAfterMs: undefined };
    const block: Turn = { does: "block" };
    const toAndFro = [server, block, block, server, server, server, server];
    const { spent, visited } = await live(toAndFro, { perDeployment: 2, total: 8, schemaRetries: 2 }, []);
    expect(visited.slice(0, 5)).toEqual([smart[0], smart[0], smart[1], smart[0], smart[1]]);
    expect(spent.get(smart[0] ?? "")).toBe(2);
  });

  it("ends: with as many failures that count as attempts are allowed, and one look more, there is nothing left to try", async () => {
    const counting = failureKinds.filter(
      (kind) => !["rate", "ramp", "concurrency", "reduced", "quotaDay", "stopped"].includes(kind),
    );
    const turns = fc.array(
      fc.constantFrom(...counting).map((kind): Turn => ({ does: "fail", kind, retryAfterMs: undefined })),
      { minLength: 9, maxLength: 9 },
    );
    await fc.assert(
      fc.asyncProperty(turns, policy, closed, async (sequence, allowed, shut) => {
        const life = await live(sequence, allowed, shut);
        expect(life.end).toBe("fail");
        expect(life.calls).toBe(sum(life));
      }),
      { numRuns: 200 },
    );
  });

  it("never comes back to a deployment that failed it", async () => {
    const turns = fc.array(failed, { maxLength: 30 }).map((all) => all.filter(({ kind }) => kind === "server"));
    await fc.assert(
      fc.asyncProperty(turns, policy, async (sequence, allowed) => {
        const { visited } = await live(sequence, allowed, []);
        const stays = visited.filter((id, at) => id !== visited[at - 1]);
        expect(new Set(stays).size).toBe(stays.length);
      }),
      { numRuns: 100 },
    );
  });

  it("of a request that is only blocked spends nothing, however long it goes to and fro", async () => {
    const blocks = fc.array(fc.constant<Turn>({ does: "block" }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(blocks, policy, closed, async (sequence, allowed, shut) => {
        const life = await live([...sequence, { does: "answer" }], allowed, shut);
        expect([sum(life), life.calls, life.end]).toEqual([1, 1, "succeed"]);
      }),
      { numRuns: 100 },
    );
  });
});
