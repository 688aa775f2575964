/** A request that asks for its call while its row is still being stored. */
import { describe, expect, it } from "vitest";
import { runAttempt } from "../../../src/attempt/run-attempt.ts";
import { claimed, refused, surroundings } from "./attempt-deps.ts";

function storing() {
  let settle = (_isStored: boolean) => {};
  const stored = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  return { stored, settle };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("while its row is being stored", () => {
  it("a request asks for leave, and calls and records only when it is", async () => {
    const { stored, settle } = storing();
    const { deps, hooks, story } = surroundings();
    const running = runAttempt(deps, claimed(), { ...hooks, stored });
    await turn();
    expect(story).toMatchObject({ asked: [{}], calls: 0, holding: [], recorded: [] });

    settle(true);

    expect(await running).toMatchObject({ answer: "recorded", move: { event: "succeed" } });
    expect(story).toMatchObject({ calls: 1, recorded: [{ event: "succeed" }] });
  });

  it("a stop hands it back, and not before it is stored", async () => {
    const { stored, settle } = storing();
    const { deps, hooks, story } = surroundings();
    const running = runAttempt(deps, claimed(), { ...hooks, stored });
    await turn();
    hooks.stop.abort();
    settle(true);

    expect(await running).toMatchObject({ answer: "recorded", move: { event: "handBack" } });
    expect(story).toMatchObject({ calls: 0, settled: [undefined], recorded: [{ event: "handBack", spent: false }] });
  });
});

describe("of a row that was not stored", () => {
  it("the permit is given back unused, nobody is called and nothing is recorded", async () => {
    const { deps, hooks, story } = surroundings();
    const ended = await runAttempt(deps, claimed(), { ...hooks, stored: Promise.resolve(false) });

    expect(ended).toMatchObject({ answer: "unstored", call: undefined });
    expect(story).toMatchObject({ asked: [{}], calls: 0, settled: [undefined], recorded: [], holding: [] });
  });

  it.each([
    ["the gate refused it", { verdicts: [refused("requests", 60_000)] }],
    ["the gate is away", { verdicts: [new Error("Redis is away")] }],
  ])("nothing is recorded where %s", async (_what, around) => {
    const { deps, hooks, story } = surroundings(around);
    await runAttempt(deps, claimed(), { ...hooks, stored: Promise.resolve(false) }).catch(() => {});

    expect(story).toMatchObject({ calls: 0, settled: [], recorded: [] });
  });
});
