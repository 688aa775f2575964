import { describe, expect, it } from "vitest";
import type { BlockedBy } from "../../../src/admission/permit.ts";
import { moveAfterRefusal } from "../../../src/attempt/move.ts";
import type { Onward } from "../../../src/attempt/onward.ts";
import { priorities } from "../../../src/request/priority.ts";
import { attempt, catalogOf, claimed, failing, refused } from "./attempt-deps.ts";

const catalog = catalogOf();
const target = (() => {
  const deployment = catalog.deployment("anthropic/claude-haiku-4-5");
  const pool = catalog.pools.get(deployment?.pool ?? "");
  if (deployment === undefined || pool === undefined) throw new Error("no target");
  const never = () => Promise.reject(new Error("nobody is called here"));
  return { deployment, pool, place: { pool, deployment: deployment.id }, connection: { call: never, probe: never } };
})();
const onward = (open: boolean): Onward => {
  const deployment = catalog.deployment("openai/gpt-5-mini");
  if (deployment === undefined) throw new Error("no stand-in");
  return { deployment, open };
};

const everything = [
  ...["requests", "inputTokens", "outputTokens", "tokens", "requestsPerDay", "tokensPerDay"],
  ...["concurrency", "paused", "circuit", "isolated", "credential", "retries", "busy"],
] as const as readonly BlockedBy[];
const stands = { open: onward(true), closed: onward(false), none: undefined };
const tooLarge = { asked: 900, most: 500 };

/** Every combination: what blocks it × how the stand-in stands × whether somebody waits for it × whether it can ever pass. */
const combinations = everything.flatMap((blockedBy) =>
  (["open", "closed", "none"] as const).flatMap((stand) =>
    Object.values(priorities).flatMap((priority) =>
      [false, true].map((isTooLarge) => ({ blockedBy, stand, priority, isTooLarge })),
    ),
  ),
);
const moveOf = ({ blockedBy, stand, priority, isTooLarge }: (typeof combinations)[number]) =>
  moveAfterRefusal(
    claimed({ priority }),
    target,
    refused(blockedBy, 1_000, isTooLarge ? tooLarge : undefined),
    stands[stand],
  );

describe("after a refusal", () => {
  it("a request goes on where another deployment is open, whatever it waits for and whoever it is", () => {
    for (const one of combinations.filter(({ stand }) => stand === "open")) {
      expect([one, moveOf(one)]).toMatchObject([
        one,
        { event: "fallBack", onward: { deployment: "openai/gpt-5-mini" } },
      ]);
    }
  });

  it("it leaves a deployment that is blocked so that it may come back, and one that it is too large for for good", () => {
    for (const one of combinations.filter(({ stand }) => stand === "open")) {
      const [left] = moveOf(one).onward?.passedOver ?? [];
      expect([one, left?.deployment, left?.kind]).toEqual([
        one,
        "anthropic/claude-haiku-4-5",
        one.isTooLarge ? "client" : "blocked",
      ]);
    }
  });

  it("it fails with the numbers where it can never pass and there is nothing else", () => {
    for (const one of combinations.filter(({ stand, isTooLarge }) => stand === "none" && isTooLarge)) {
      const message = `the request takes 900 of ${one.blockedBy}, and the limit lets 500 through at once`;
      expect([one, moveOf(one)]).toMatchObject([one, { event: "fail", failure: { kind: "client", message } }]);
    }
  });

  it("somebody who waits is told of a refused key; what may wait stays for the person who mends it", () => {
    const keyless = combinations.filter(
      ({ blockedBy, stand, isTooLarge }) => blockedBy === "credential" && stand !== "open" && !isTooLarge,
    );
    for (const one of keyless) {
      const expected =
        one.priority === priorities.interactive
          ? { event: "fail", failure: { kind: "auth", message: expect.stringMatching(/credential of anthropic/) } }
          : { event: "handBack" };
      expect([one, moveOf(one)]).toMatchObject([one, expected]);
    }
  });

  it("everything else goes back with what it waits for, even where the stand-in is closed, too", () => {
    const rest = combinations.filter(
      ({ blockedBy, stand, isTooLarge }) => stand !== "open" && !isTooLarge && blockedBy !== "credential",
    );
    for (const one of rest) {
      const event = one.blockedBy === "retries" || one.blockedBy === "busy" ? "postpone" : "handBack";
      expect([one, moveOf(one)]).toMatchObject([one, { event, reason: `waits for ${one.blockedBy}` }]);
    }
  });

  it("nothing is spent, whatever happens", () => {
    for (const one of combinations) expect([one, moveOf(one).spent]).toEqual([one, false]);
  });
});

describe("a request that is refused for a while", () => {
  it("looks for no other deployment while the wait is as short as its route allows", async () => {
    const { record, story } = await attempt(claimed(), { verdicts: [refused("requests", 10_000)] });
    expect([record?.event, story.looked]).toEqual(["handBack", []]);
  });

  it("goes to another deployment where the wait is longer, and says what it waited for", async () => {
    const { record } = await attempt(claimed(), { verdicts: [refused("paused", 10_001)] });
    expect(record).toMatchObject({
      event: "fallBack",
      spent: false,
      onward: {
        lane: "openai.gpt-5-mini",
        passedOver: [{ deployment: "anthropic/claude-haiku-4-5", kind: "blocked", message: "waits for paused" }],
      },
    });
  });

  it("fails for a refused key only when somebody waits for it", async () => {
    const around = {
      verdicts: [refused("credential", 60_000)],
      deps: { canServe: (id: string) => id === "anthropic" },
    };
    expect((await attempt(claimed({ priority: priorities.interactive }), around)).record).toMatchObject({
      event: "fail",
      spent: false,
      failure: { kind: "auth" },
    });
    // What has aged goes first, too, but nobody waits for it.
    const aged = await attempt(claimed({ priority: priorities.bulk }), { ...around, goesFirst: true });
    expect(aged.record?.event).toBe("handBack");
  });

  it("the call that was refused waits like the others, unless somebody waits for it or only this model is closed", async () => {
    const refusing = (status: number) => ({
      answer: async () => failing({ kind: "auth", status }),
      deps: { canServe: (id: string) => id === "anthropic" },
    });
    const bulk = claimed({ priority: priorities.bulk });
    const interactive = claimed({ priority: priorities.interactive });
    expect((await attempt(bulk, refusing(401))).record).toMatchObject({ event: "handBack", spent: true });
    expect((await attempt(bulk, refusing(403))).record).toMatchObject({ event: "fail", spent: true });
    expect((await attempt(interactive, refusing(401))).record).toMatchObject({ event: "fail", spent: true });
    const readAlong = claimed({ priority: priorities.bulk, replyWanted: true });
    expect((await attempt(readAlong, refusing(401))).record).toMatchObject({ event: "fail", spent: true });
  });
});
