import { describe, expect, it } from "vitest";
import { reactions, turnsCredentialOff } from "../../../src/admission/reaction.ts";
import { type FailureKind, failureKinds } from "../../../src/request/failure.ts";

const kindsThat = (say: (kind: FailureKind) => boolean) => failureKinds.filter(say);

describe("the gate's reactions", () => {
  it("are there for every kind of failure, and for no other", () => {
    expect(Object.keys(reactions).sort()).toEqual([...failureKinds].sort());
  });

  it("count against the circuit what says that the provider is not well", () => {
    expect(kindsThat((kind) => reactions[kind].circuit === "failure")).toEqual([
      "capacity",
      "server",
      "timeout",
      "network",
      "stream",
    ]);
  });

  it("take for not charged what was turned away at the door", () => {
    const mayHaveRun = ["server", "timeout", "network", "stream", "schema", "stopped", "deadline"];
    expect(kindsThat((kind) => !reactions[kind].refused)).toEqual(mayHaveRun);
  });

  it("make everybody on the pool wait for what the pool lacks, and those on the model for what it lacks", () => {
    expect(kindsThat((kind) => reactions[kind].pause === "pool")).toEqual(["rate", "ramp", "reduced", "quotaDay"]);
    expect(kindsThat((kind) => reactions[kind].pause === "circuit")).toEqual(["capacity"]);
  });

  it("pause the pool for some time even where the provider names none; a day's quota until its midnight", () => {
    const named = kindsThat((kind) => reactions[kind].pauseMs > 0);
    expect(named).toEqual(["rate", "ramp", "reduced"]);
  });

  it("lower the concurrency only by what speaks of it", () => {
    expect(kindsThat((kind) => reactions[kind].gauge !== "none")).toEqual(["concurrency", "capacity"]);
  });

  it("hold us to account for what a better gate had not sent", () => {
    expect(kindsThat((kind) => reactions[kind].ours)).toEqual(["rate", "ramp", "concurrency"]);
  });

  it.each<[FailureKind, number | undefined, boolean]>([
    ["auth", 401, true],
    ["auth", 403, false],
    ["auth", undefined, true],
    ["quotaHard", 402, true],
    ["quotaHard", 403, true],
    ["quotaDay", 429, false],
    ["client", 400, false],
    ["rate", 429, false],
    ["server", 500, false],
  ])("turn the credential off by %s %s: %s", (kind, status, off) => {
    expect(turnsCredentialOff({ kind, message: "", ...(status === undefined ? {} : { status }) })).toBe(off);
  });
});
