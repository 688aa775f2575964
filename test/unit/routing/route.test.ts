import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Deployment } from "../../../src/config/deployment.ts";
import {
  blockedKind,
  type LeftBehind,
  leftBehind,
  spentThere,
  standIns,
  usableDeployments,
} from "../../../src/routing/route.ts";

const deployment = (id: string): Deployment => {
  const [provider = "", model = ""] = id.split("/");
  return { id, provider, model, pool: `${provider}.other`, priceBook: provider, info: undefined };
};
const names = ["a/1", "b/2", "c/3", "d/4"];
const all = names.map(deployment);
const route = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }).map((ids) => ids.map(deployment));
const kind = fc.constantFrom(blockedKind, "server", "lost");
const left = fc
  .array(fc.tuple(fc.constantFrom(...names), kind))
  .map((entries) => entries.map(([id, why]): LeftBehind => ({ deployment: id, kind: why })));
const ids = (deployments: readonly Deployment[]) => deployments.map(({ id }) => id);

describe("a route", () => {
  it("offers its deployments in order, without those whose provider has no credential", () => {
    const route = { model: "m", deployments: all, maxWaitMs: 0 };
    expect(ids(usableDeployments(route, (provider) => provider !== "b"))).toEqual(["a/1", "c/3", "d/4"]);
    expect(usableDeployments(route, () => false)).toEqual([]);
  });

  it("is walked to its end by failures, each deployment once, wherever it was begun", () => {
    fc.assert(
      fc.property(route, fc.nat(), (usable, start) => {
        const visited = [usable[start % usable.length]?.id ?? ""];
        let passed: readonly LeftBehind[] = [];
        for (;;) {
          const here = visited.at(-1) ?? "";
          const [next] = standIns(usable, here, passed);
          if (next === undefined) break;
          passed = leftBehind(passed, { deployment: here, kind: "server" });
          visited.push(next.id);
        }
        expect([...visited].sort()).toEqual(ids(usable).sort());
      }),
    );
  });
});

describe("the deployments that may stand in", () => {
  it("are in the order of the route those that did not fail the request, and never the present one", () => {
    fc.assert(
      fc.property(route, fc.constantFrom(...names), left, (usable, current, passed) => {
        const failed = passed.filter((entry) => entry.kind !== blockedKind).map((entry) => entry.deployment);
        const others = usable.filter(({ id }) => id !== current && !failed.includes(id));
        expect(standIns(usable, current, passed)).toEqual(others);
      }),
    );
  });

  it("hold one that was left while it was blocked: it may be come back to", () => {
    expect(ids(standIns(all, "b/2", [{ deployment: "a/1", kind: blockedKind }]))).toEqual(["a/1", "c/3", "d/4"]);
  });

  it("are all there are when the present one is no part of the route any more", () => {
    expect(standIns(all, "gone/0", [])).toEqual(all);
  });

  it("are none when everything else has failed", () => {
    const failed = names.map((id) => ({ deployment: id, kind: "server" }));
    expect(standIns(all, "d/4", failed)).toEqual([]);
  });
});

describe("what is left behind", () => {
  it("names every deployment once, with the newest reason, the newest last", () => {
    fc.assert(
      fc.property(left, (moves) => {
        const passed = moves.reduce<readonly LeftBehind[]>((so, move) => leftBehind(so, move), []);
        const newest = new Map(moves.map((move) => [move.deployment, move.kind]));
        expect(new Map(passed.map((entry) => [entry.deployment, entry.kind]))).toEqual(newest);
        expect(passed).toHaveLength(newest.size);
        expect(passed.at(-1)).toEqual(moves.at(-1));
      }),
    );
  });
});

it("knows what was spent on a deployment that was left behind, and of others nothing", () => {
  const passed = [
    { deployment: "a/1", kind: blockedKind, spent: 2 },
    { deployment: "b/2", kind: blockedKind },
  ];
  expect(["a/1", "b/2", "c/3"].map((id) => spentThere(id, passed))).toEqual([2, 0, 0]);
});
