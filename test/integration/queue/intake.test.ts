import { describe, expect, onTestFinished, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { openIntake } from "../../../src/intake/accept.ts";
import { requestWithKey } from "../../../src/ledger/accept.ts";
import { type Lanes, openLanes } from "../../../src/queue/lanes.ts";
import { promptBody } from "../../../src/request/body.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, handIn, prompts, startWork, states } from "../../support/work.ts";

const services = useServices();
const lane = "anthropic.haiku";

/** The same intake with other lanes. */
const intakeWith = (fleet: Fleet, lanes: Lanes) => openIntake({ ...fleet, lanes, clock: systemClock });
const order = (priority: "interactive" | "bulk", prompt = "hello") => ({
  tenant: "t",
  priority,
  body: promptBody("claude-haiku-4-5", prompt),
});

describe("handing in", () => {
  test("puts interactive requests into their lane at once and leaves the others to the feeder", async () => {
    const fleet = await openTestFleet(services);
    await handIn(fleet, prompts(5), { priority: "interactive" });
    await handIn(fleet, prompts(7), { priority: "standard" });
    await handIn(fleet, prompts(9), { priority: "bulk" });
    expect(await states(fleet)).toEqual({ dispatched: 5, queued: 16 });
    expect((await fleet.lanes.depth(lane, "express")).waiting).toBe(5);
    expect((await fleet.lanes.depth(lane, "main")).waiting).toBe(0);
  });

  test("keeps a flood of interactive requests in the backlog, all but what a lane takes at once", async () => {
    const fleet = await openTestFleet(services);
    await handIn(fleet, prompts(30), { priority: "interactive" });
    await handIn(fleet, prompts(500), { priority: "interactive" });
    expect(await states(fleet)).toEqual({ dispatched: 100, queued: 430 });
    expect((await fleet.lanes.depth(lane, "express")).waiting).toBe(100);
    await startWork(fleet, { anthropic: testProvider() });
    expect(await allEnded(fleet)).toEqual({ succeeded: 530 });
  });

  test("refuses what nobody offers, beside what is taken, and stores nothing of it", async () => {
    const fleet = await openTestFleet(services);
    const bad = { ...order("bulk"), body: promptBody("gpt-99", "hello") };
    const answers = await fleet.intake.accept([order("bulk"), bad, order("interactive")]);
    expect(answers.map((answer) => (answer.ok ? "taken" : answer.refusal.code))).toEqual([
      "taken",
      "unknown_model",
      "taken",
    ]);
    expect(await states(fleet)).toEqual({ dispatched: 1, queued: 1 });
  });

  test("the same key twice is one request", async () => {
    const fleet = await openTestFleet(services);
    const keyed = { ...order("interactive"), idempotencyKey: "k" };
    const [first] = await fleet.intake.accept([keyed]);
    const [again] = await fleet.intake.accept([keyed]);
    expect([first?.ok && first.fresh, again?.ok && again.fresh]).toEqual([true, false]);
    expect(await requestWithKey(fleet.ledger, "t", "k")).toBe(first?.ok ? first.id : "");
    expect((await fleet.lanes.depth(lane, "express")).waiting).toBe(1);
  });

  test("nothing is nothing", async () => {
    const fleet = await openTestFleet(services);
    expect(await fleet.intake.accept([])).toEqual([]);
  });
});

describe("handing in with Redis away", () => {
  test("is accepted all the same: the backlog has it", async () => {
    const fleet = await openTestFleet(services);
    const lanes = openLanes("redis://127.0.0.1:1");
    onTestFinished(() => lanes.close());
    const answers = await intakeWith(fleet, lanes).accept([order("interactive"), order("bulk")]);
    expect(answers.every((answer) => answer.ok && answer.fresh)).toBe(true);
    expect(await states(fleet)).toEqual({ queued: 2 });
  });

  test("goes back into the backlog when it went away between the row and the job", async () => {
    const fleet = await openTestFleet(services);
    const broken: Lanes = { ...fleet.lanes, add: () => Promise.reject(new Error("Connection is closed.")) };
    const [answer] = await intakeWith(fleet, broken).accept([order("interactive")]);
    expect(answer?.ok).toBe(true);
    expect(await states(fleet)).toEqual({ queued: 1 });
  });
});
