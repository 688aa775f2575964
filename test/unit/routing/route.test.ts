import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Deployment } from "../../../src/config/deployment.ts";
import { nextDeployment, usableDeployments } from "../../../src/routing/route.ts";

const deployment = (id: string): Deployment => {
  const [provider = "", model = ""] = id.split("/");
  return { id, provider, model, pool: `${provider}.other`, priceBook: provider };
};
const names = ["a/1", "b/2", "c/3", "d/4"];
const route = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }).map((ids) => ids.map(deployment));

describe("a route", () => {
  it("offers its deployments in order, without those whose provider has no credential", () => {
    const all = { model: "m", deployments: names.map(deployment) };
    expect(usableDeployments(all, (provider) => provider !== "b").map(({ id }) => id)).toEqual(["a/1", "c/3", "d/4"]);
    expect(usableDeployments(all, () => false)).toEqual([]);
  });

  it("is walked to its end, each deployment once, wherever it was begun", () => {
    fc.assert(
      fc.property(route, fc.nat(), (usable, start) => {
        const visited = [usable[start % usable.length]?.id ?? ""];
        for (;;) {
          const here = visited.at(-1) ?? "";
          const next = nextDeployment(
            usable,
            here,
            visited.slice(0, -1).map((id) => ({ deployment: id })),
          );
          if (next === undefined) break;
          visited.push(next.id);
        }
        expect([...visited].sort()).toEqual(usable.map(({ id }) => id).sort());
      }),
    );
  });

  it("goes on when the present deployment is no part of it any more", () => {
    expect(nextDeployment(names.map(deployment), "gone/0", [])?.id).toBe("a/1");
  });

  it("ends when everything was passed over", () => {
    expect(
      nextDeployment(
        names.map(deployment),
        "d/4",
        names.map((id) => ({ deployment: id })),
      ),
    ).toBeUndefined();
  });
});
