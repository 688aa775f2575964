/** What the page is told, and who is told it. */
import { describe, expect, onTestFinished, test } from "vitest";
import { openLooker } from "../../../producers/http/dashboard/look.ts";
import type { LookJson } from "../../../producers/http/dashboard/look-json.ts";
import { startHttp } from "../../../producers/http/server.ts";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestHttp } from "../../support/http.ts";
import { openPlay, play, scene } from "../../support/scene.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** The first look that `/dashboard/events` tells. */
async function firstLook(url: string, headers: Record<string, string> = {}): Promise<LookJson> {
  const answer = await fetch(`${url}/dashboard/events`, { headers });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  let text = "";
  for await (const piece of answer.body ?? []) {
    text += Buffer.from(piece).toString();
    const data = /^event: look\ndata: (.*)\n\n/m.exec(text)?.[1];
    if (data !== undefined) return JSON.parse(data);
  }
  throw new Error(`no look came: ${text}`);
}

describe("the events of the dashboard", () => {
  test("tell an admin how the fleet stands, and a tenant nothing", async () => {
    const http = await openTestHttp(services);
    const key = async (scope: "admin" | "use") =>
      (await createKey(http.fleet.ledger, { tenant: "red", name: "test", scope })).key;
    const [use, admin] = [await key("use"), await key("admin")];
    for (const path of [
      "/",
      "/dashboard/events",
      "/dashboard/page.js",
      "/dashboard/page.css",
      "/%64ashboard/events",
      "/%62oard/api/queues",
    ]) {
      expect((await http.get(path)).status, path).toBe(401);
      const refused = await http.get(path, { "x-api-key": use });
      expect(refused, path).toMatchObject({ status: 403, json: { error: { code: "admin_only" } } });
    }
    expect((await http.get("/", { "x-api-key": admin })).text).toContain("<title>Millrace</title>");
    expect((await firstLook(http.url, { "x-api-key": admin })).open?.all).toEqual({ n: 0, atLeast: false });
  });

  test("say exactly what a run cost, what is open and what holds it", async () => {
    const http = await openPlay(services);
    await play(http);

    const look = await firstLook(http.url);

    const [{ cost } = { cost: "" }] = await http.fleet.ledger.sql<{ cost: string }[]>`
      select sum(cost_nano_usd)::text as cost from attempts`;
    const dollars = (Number(cost) / 1e9).toString();
    expect(look.minute?.cost.startsWith(`$${dollars}`)).toBe(true);
    expect(look.open?.all.n).toBe(scene.batchLines / 2 + 1);
    expect(look.lanes?.map(({ lane, state }) => [lane, state])).toEqual([
      [scene.pausedLane, "blocked"],
      [scene.brokenLane, "blocked"],
      ["anthropic.haiku", "idle"],
    ]);
    expect(look.batches).toMatchObject([{ total: 4, succeeded: 2, waiting: 2, estimated: false, state: "running" }]);
    expect(look.trouble).toEqual([]);
  });

  test("call unknown what Redis or the ledger would have to say while it is away", async () => {
    const fleet = await openTestFleet(services);
    const nowhere = openLooker({ ...fleet, redisUrl: "redis://127.0.0.1:1" });
    onTestFinished(() => nowhere.close());

    const look = await nowhere.look();

    expect(look.trouble).toHaveLength(1);
    expect(look.trouble[0]).toContain("Redis");
    expect(look).toMatchObject({ pools: null, circuits: null, open: { all: { n: 0 } }, batches: [], failures: [] });
  });

  test("hold no stream open when the server closes", async () => {
    const http = await startHttp(await openTestFleet(services), { host: "127.0.0.1", port: 0 });
    await firstLook(http.url);
    const answer = await fetch(`${http.url}/dashboard/events`);
    const ended = answer.text().catch(() => "cut");
    await http.close();
    expect(await ended).toContain("retry:");
  });
});
