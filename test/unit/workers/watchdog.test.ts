import { describe, expect, it } from "vitest";
import { openLaneProgress } from "../../../workers/lane-progress.ts";
import {
  freshMemory,
  judge,
  type Memory,
  type Sight,
  type Trouble,
  type WatchPolicy,
} from "../../../workers/watchdog.ts";

const policy: WatchPolicy = { stuckMs: 10_000, maxLagMs: 500, leaseMs: 4_000 };
type Lane = Sight["lanes"][number];
const idle: Lane = { lane: "a", inHand: 0, free: 5, deliverable: 0, movedAt: 0 };

/** Looks once a second from `fromMs` on; the first trouble and when it was seen. */
function watch(
  sights: (nowMs: number) => Partial<Sight> & { readonly lane?: Partial<Lane> },
  seconds = 60,
  rules = policy,
): { readonly atMs: number; readonly kind: Trouble["kind"] } | undefined {
  let memory: Memory = freshMemory;
  for (let nowMs = 1_000; nowMs <= seconds * 1_000; nowMs += 1_000) {
    const { lane, ...rest } = sights(nowMs);
    const sight: Sight = { nowMs, lanes: [{ ...idle, ...lane }], isAway: false, lagMs: 1, locksLost: 0, ...rest };
    const judged = judge(memory, sight, rules);
    if (judged.trouble !== undefined) return { atMs: nowMs, kind: judged.trouble.kind };
    memory = judged.memory;
  }
  return undefined;
}

describe("a worker is stuck", () => {
  it("when a job in hand does not move for the time that was set", () => {
    expect(watch(() => ({ lane: { inHand: 1 } }))).toEqual({ atMs: 11_000, kind: "stuck" });
  });

  it("when its free slots are given nothing although jobs wait", () => {
    expect(watch(() => ({ lane: { deliverable: 3 } }))).toEqual({ atMs: 11_000, kind: "stuck" });
  });

  it("counted from the moment there was work, not from the last movement before", () => {
    const late = watch((now) => ({ lane: { deliverable: now < 30_000 ? 0 : 3 } }));
    expect(late).toEqual({ atMs: 40_000, kind: "stuck" });
  });
});

describe("a worker is not stuck", () => {
  it.each<[string, (now: number) => Partial<Sight> & { readonly lane?: Partial<Lane> }]>([
    ["while it has nothing to do", () => ({})],
    ["while something moves now and then", (now) => ({ lane: { inHand: 5, movedAt: now - (now % 9_000) } })],
    ["while it rests for a limit", (now) => ({ lane: { inHand: 1, deliverable: 9, movedAt: now + 5_000 } })],
    ["while all its slots are taken by calls in time", () => ({ lane: { free: 0, deliverable: 100 } })],
    ["while a service is away", () => ({ isAway: true, lane: { inHand: 5, deliverable: 9 } })],
    ["when its work comes and goes", (now) => ({ lane: { deliverable: now % 9_000 === 0 ? 0 : 1 } })],
  ])("%s", (_what, sights) => {
    expect(watch(sights, 600)).toBeUndefined();
  });

  it("where nobody wants it to be", () => {
    const rules = { ...policy, stuckMs: 0, maxLagMs: 0 };
    expect(watch(() => ({ lagMs: 60_000, lane: { inHand: 1 } }), 600, rules)).toBeUndefined();
  });

  it("right after a service came back: it has its full time again", () => {
    const seen = watch((now) => ({ isAway: now >= 5_000 && now < 20_000, lane: { inHand: 1 } }));
    expect(seen).toEqual({ atMs: 30_000, kind: "stuck" });
  });
});

describe("an event loop", () => {
  it("that is held up in each of ten looks ends its worker", () => {
    expect(watch(() => ({ lagMs: 501 }))).toEqual({ atMs: 10_000, kind: "lag" });
  });

  it("that was held up once, however long, or within the bound, does not", () => {
    expect(watch((now) => ({ lagMs: now === 5_000 ? 600_000 : 500 }))).toBeUndefined();
    expect(watch((now) => ({ lagMs: now % 9_000 === 0 ? 1 : 5_000 }), 600)).toBeUndefined();
  });
});

describe("locks", () => {
  it("that are lost in five leases in a row end their worker", () => {
    expect(watch((now) => ({ locksLost: now % 2_000 === 0 ? 3 : 0 }))?.kind).toBe("locks");
    expect(watch((now) => ({ locksLost: now % 2_000 === 0 ? 3 : 0 }))?.atMs).toBeGreaterThanOrEqual(16_000);
  });

  it("that are lost once, all together, or seldom, do not", () => {
    expect(watch((now) => ({ locksLost: now === 3_000 ? 500 : 0 }), 600)).toBeUndefined();
    expect(watch((now) => ({ locksLost: now % 20_000 === 0 ? 5 : 0 }), 600)).toBeUndefined();
  });
});

describe("what a lane has in hand", () => {
  let now = 0;
  const lane = () => openLaneProgress({ lane: "a", slots: 3, callMs: 1_000, now: () => now });

  it("is every job but those whose call is in time; one that is overdue is back", () => {
    now = 0;
    const progress = lane();
    const [calling, waiting] = [progress.taken(), progress.taken()];
    calling.calls();
    expect(progress.sight()).toMatchObject({ inHand: 1, free: 1 });
    waiting.left();
    expect(progress.sight()).toMatchObject({ inHand: 0, free: 2 });
    now = 1_001;
    expect(progress.sight()).toMatchObject({ inHand: 1, movedAt: 0 });
    calling.called();
    expect(progress.sight()).toMatchObject({ inHand: 1, movedAt: 1_001 });
    calling.left();
    expect(progress.sight()).toEqual({ lane: "a", inHand: 0, free: 3, movedAt: 1_001 });
  });

  it("need not move while it rests, and a shorter rest does not end a longer one", () => {
    now = 0;
    const progress = lane();
    progress.rests(5_000);
    progress.rests(10);
    progress.taken().moved();
    expect(progress.sight().movedAt).toBe(5_000);
  });
});
