import { describe, expect, it } from "vitest";
import { isBlocked, lookOnward } from "../../../src/attempt/onward.ts";
import type { ClaimedRequest } from "../../../src/ledger/claim.ts";
import {
  answered,
  attempt,
  claimed,
  failing,
  granted,
  refused,
  type Surroundings,
  surroundings,
} from "./attempt-deps.ts";

const [haiku, mini, flash] = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini", "gemini/gemini-3.5-flash"];

async function onward(around: Surroundings = {}, more: Partial<ClaimedRequest> = {}) {
  const { deps, hooks, story } = surroundings(around);
  const found = await lookOnward(deps, claimed(more), hooks);
  return { found: found === undefined ? undefined : [found.deployment.id, found.open], story };
}
const left = (deployment: string, kind: string) => ({ deployment, lane: "l", kind, message: "m" });

describe("looking for a deployment to go on to", () => {
  it("takes the first one of the route that is open", async () => {
    expect((await onward()).found).toEqual([mini, true]);
  });

  it.each([
    ["the circuit is open", refused("circuit", 100)],
    ["an operator closed it off", refused("isolated", 100)],
    ["the key is refused", refused("credential", 100)],
    ["the wait is longer than the route allows", refused("paused", 10_001)],
    ["the request is larger than its limit", refused("tokens", Number.POSITIVE_INFINITY, { asked: 9, most: 5 })],
  ])("goes past one where %s", async (_why, verdict) => {
    expect((await onward({ stands: { [mini]: verdict } })).found).toEqual([flash, true]);
  });

  it("takes one where the wait is short", async () => {
    expect((await onward({ stands: { [mini]: refused("requests", 9_000) } })).found).toEqual([mini, true]);
  });

  it("names the first one, and that it is closed, where none is open", async () => {
    const shut = refused("circuit", 60_000);
    expect((await onward({ stands: { [mini]: shut, [flash]: shut } })).found).toEqual([mini, false]);
  });

  it("goes past a provider that does not offer what is asked, known by name or not", async () => {
    const models = { smart: [haiku, "deepgram/of-tomorrow", "elevenlabs/eleven_v3", flash] };
    expect((await onward({ settings: { models } })).found).toEqual([flash, true]);
  });

  it("finds nothing at the end of the route, and asks nobody", async () => {
    const { found, story } = await onward({}, { passedOver: [left(mini, "server"), left(flash, "lost")] });
    expect([found, story.looked]).toEqual([undefined, []]);
    expect((await onward({}, { model: "no such model" })).found).toBeUndefined();
  });

  it("comes back to one that was left while it was blocked, and never to one that failed the request", async () => {
    const at = { deployment: flash, lane: "gemini.gemini-3.5-flash" };
    expect((await onward({}, { ...at, passedOver: [left(haiku, "blocked"), left(mini, "server")] })).found).toEqual([
      haiku,
      true,
    ]);
    expect((await onward({}, { ...at, passedOver: [left(haiku, "server"), left(mini, "blocked")] })).found).toEqual([
      mini,
      true,
    ]);
  });

  it("passes over providers that nobody in the fleet serves", async () => {
    expect((await onward({ deps: { canServe: (id) => id === "gemini" } })).found).toEqual([flash, true]);
  });

  it("asks for a first call there, however often the request was called here", async () => {
    const asked: (boolean | undefined)[] = [];
    const admission: Surroundings["admission"] = {
      look: async (place, ask) => {
        asked.push(ask.isRetry);
        return granted(place, ask);
      },
    };
    await onward({ admission }, { attemptsSpent: 2, attemptsSpentHere: 2 });
    expect(asked).toEqual([false]);
  });

  it("takes no permit", async () => {
    const { story } = await onward();
    expect([story.asked, story.settled]).toEqual([[], []]);
  });
});

describe("with no other deployment open", () => {
  const shut = refused("circuit", 60_000);
  const stands = { [mini]: shut, [flash]: shut };
  const putOff = (kind: "capacity" | "rate") => ({
    stands,
    answer: async () => failing({ kind, retryAfterMs: 30_000 }),
  });

  // `hasNextDeployment` does not ask whether it is open.
  it("a request with attempts left is retried where it is, however long the provider lets it wait", async () => {
    expect((await attempt(claimed(), putOff("capacity"))).record).toMatchObject({ event: "postpone", spent: true });
  });
  it("a request that is only put off waits where it is", async () => {
    expect((await attempt(claimed(), putOff("rate"))).record).toMatchObject({ event: "postpone", spent: false });
  });
});

describe("with the limiter away", () => {
  const away = { [mini]: new Error("Connection is closed."), [flash]: new Error("Connection is closed.") };

  it("a request that failed here takes the first stand-in unseen", async () => {
    const { record } = await attempt(claimed(), { stands: away, answer: async () => failing({ kind: "auth" }) });
    expect(record).toMatchObject({ event: "fallBack", spent: true, onward: { deployment: mini } });
  });

  it("a request whose attempts here are spent takes the first stand-in unseen", async () => {
    const { record } = await attempt(claimed({ attemptsSpent: 3, attemptsSpentHere: 3 }), { stands: away });
    expect(record).toMatchObject({ event: "fallBack", onward: { deployment: mini } });
  });

  it("an answer is kept: nobody looks onward after a success", async () => {
    const { record, story } = await attempt(claimed(), { stands: away, answer: async () => answered });
    expect([record?.event, story.looked]).toEqual(["succeed", []]);
  });
});

describe("a deployment is blocked", () => {
  it("by what is closed until something changes, however soon it is worth asking again", () => {
    for (const by of ["circuit", "isolated", "credential"] as const) {
      expect([by, isBlocked(refused(by, 1), 10_000)]).toEqual([by, true]);
    }
  });

  it("by a wait that is longer than the route's, and by no other", () => {
    for (const by of ["requests", "tokens", "paused", "concurrency", "retries"] as const) {
      const answers = [10_000, 10_001].map((waitMs) => isBlocked(refused(by, waitMs), 10_000));
      expect([by, answers]).toEqual([by, [false, true]]);
    }
  });
});
