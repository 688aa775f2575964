import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openProgress } from "../../../producers/cli/progress.ts";
import { type LaneFacts, limitsNow } from "../../../producers/cli/progress-limit.ts";
import { openPace, slowestLaneMs } from "../../../producers/cli/progress-pace.ts";
import { type ProgressView, progressBlock, progressLine } from "../../../producers/cli/progress-view.ts";

const view: ProgressView = {
  total: 50_000,
  succeeded: 31_011,
  failed: 193,
  cancelled: 0,
  running: 48,
  waiting: 18_748,
  callsPerMinute: 412,
  tokensPerMinute: 1_900_000,
  costNanoUsd: 18_421_234_567n,
  unpriced: 0,
  etaMs: 46 * 60_000,
  limits: ["requests/min of anthropic.haiku (450)"],
};

describe("progress in words", () => {
  it("says what is done, what it costs, when it ends and what limits it", () => {
    expect(progressLine(view)).toBe(
      "31,204/50,000 (62 %) · ok 31,011  failed 193  running 48  waiting 18,748 · 412 requests/min  1.9M tokens/min  $18.4212 · ETA 46 min · limited by requests/min of anthropic.haiku (450)",
    );
  });

  it("never shows an unknown cost as nothing", () => {
    expect(progressLine({ ...view, costNanoUsd: 0n, unpriced: 3 })).toContain("cost unknown (3 unpriced)");
    expect(progressLine({ ...view, unpriced: 2 })).toContain("$18.4212 + 2 unpriced");
  });

  it("does not say 100 % before everything is done, nor guess an end without a pace", () => {
    const nearly = { ...view, succeeded: 49_806, etaMs: undefined };
    expect(progressLine(nearly)).toMatch(/^49,999\/50,000 \(99 %\) .* ETA unknown/);
    expect(progressLine({ ...nearly, succeeded: 49_807 })).toMatch(/\(100 %\) .* · done/);
  });

  it("is a block of three lines with a bar of constant width, whatever the numbers", () => {
    const number = fc.nat({ max: 1_000 });
    fc.assert(
      fc.property(number, number, number, number, (total, succeeded, failed, cancelled) => {
        const lines = progressBlock({ ...view, total, succeeded, failed, cancelled }, 100).map(
          stripVTControlCharacters,
        );
        expect(lines).toHaveLength(3);
        expect(lines[0]?.indexOf("]")).toBe(41);
      }),
    );
  });
});

describe("progress on a terminal", () => {
  it("takes back exactly the lines it drew, cut to the width, and puts notes above them", () => {
    const screen = {
      isTTY: true,
      columns: 60,
      written: [] as string[],
      write: (text: string) => screen.written.push(text),
    };
    const progress = openProgress(screen);
    progress.show(view);
    progress.note("hello");
    progress.show({ ...view, succeeded: 40_000 });
    const [first, note, second] = screen.written;
    expect(first?.split("\n")).toHaveLength(4);
    expect(note?.startsWith("\u001b[3A\r\u001b[0Jhello\n")).toBe(true);
    expect(second?.startsWith("\u001b[3A\r\u001b[0J")).toBe(true);
    for (const line of stripVTControlCharacters(screen.written.join("")).split("\n")) {
      expect(line.length).toBeLessThanOrEqual(59);
    }
  });
});

describe("progress in a log", () => {
  it("is a line at first, one every five seconds while something changes, and one at the end", () => {
    let now = 0;
    const written: string[] = [];
    const progress = openProgress({ write: (text) => written.push(text) }, () => now);
    const at = (ms: number, succeeded: number) => {
      now = ms;
      progress.show({ ...view, succeeded });
    };
    at(0, 1);
    at(1_000, 2);
    at(5_000, 2);
    at(10_000, 2);
    at(10_500, 49_807);
    expect(written.map((line) => line.split(" ")[0])).toEqual(["194/50,000", "195/50,000", "50,000/50,000"]);
    expect(written.join("")).toBe(stripVTControlCharacters(written.join("")));
  });
});

const lane: LaneFacts = {
  lane: "anthropic.haiku",
  open: 100,
  workers: 1,
  slotsPerWorker: 50,
  paused: false,
  closures: [],
  closedForMs: 0,
  limits: { requestsPerMinute: 450, concurrency: 50 },
  callsPerMinute: 100,
  running: 5,
  waiting: [],
  held: [],
};

describe("what limits a batch", () => {
  it.each<[string, Partial<LaneFacts>, string]>([
    ["nobody works", { workers: 0, paused: true }, "no worker for anthropic.haiku: start one with `millrace up`"],
    ["Redis", { workers: undefined }, "Redis, which does not answer, for anthropic.haiku"],
    ["a pause", { paused: true, closedForMs: 5 }, "a pause (`millrace queue resume`) of anthropic.haiku"],
    [
      "a circuit",
      { closures: [{ target: "anthropic", state: "credential-off", reason: "invalid x-api-key" }], closedForMs: 5 },
      "a circuit (`millrace provider circuit status`): anthropic credential-off (invalid x-api-key)",
    ],
    ["a person", { held: [{ reason: "no key", count: 2 }] }, "a hold for a person: 2 in anthropic.haiku, no key"],
    ["a closed limiter", { closedForMs: 900 }, "requests/min of anthropic.haiku (450)"],
    ["a rate near the limit", { callsPerMinute: 400, running: 50 }, "requests/min of anthropic.haiku (450)"],
    ["concurrency", { running: 48, workers: 3 }, "concurrent calls of anthropic.haiku (50)"],
    [
      "slots",
      { running: 48, limits: { requestsPerMinute: 4_000, concurrency: 500 } },
      "worker slots (`millrace worker` adds some) of anthropic.haiku (50)",
    ],
    [
      "back-off",
      { running: 0, waiting: [{ reason: "server", count: 7, nextMs: 1_200 }] },
      'a wait after failures of anthropic.haiku (7 after "server", next in 1 s)',
    ],
    ["nothing of ours", {}, "the providers' own answering time"],
    [
      "nothing of ours while some back off",
      { waiting: [{ reason: "server", count: 7, nextMs: 9 }] },
      "the providers' own answering time",
    ],
  ])("is said: %s", (_name, facts, limit) => {
    expect(limitsNow([{ ...lane, ...facts }])).toEqual([limit]);
  });

  it("is said once for lanes with the same reason, the fullest first", () => {
    const lanes = [
      { ...lane, closedForMs: 1 },
      { ...lane, lane: "openai.gpt-5", open: 900, closedForMs: 1, limits: { requestsPerMinute: 60, concurrency: 9 } },
      { ...lane, lane: "gemini.pro", open: 10, paused: true },
    ];
    expect(limitsNow(lanes)).toEqual([
      "requests/min of openai.gpt-5 (60), anthropic.haiku (450)",
      "a pause (`millrace queue resume`) of gemini.pro",
    ]);
  });

  it("is nothing when nothing is open", () => {
    expect(limitsNow([])).toEqual([]);
  });
});

describe("the end of a batch", () => {
  it("follows the pace of the last half minute", () => {
    const pace = openPace();
    expect(pace.etaMs(0, 0, 1_000)).toBeUndefined();
    expect(pace.etaMs(10_000, 100, 1_000)).toBe(90_000);
    expect(pace.etaMs(20_000, 100, 1_000)).toBe(180_000);
    expect(pace.etaMs(45_000, 100, 1_000)).toBeUndefined();
  });

  it("waits for the slowest lane that moves", () => {
    expect(
      slowestLaneMs([
        { open: 10, callsPerMinute: 600 },
        { open: 90, callsPerMinute: 45 },
      ]),
    ).toBe(120_000);
    expect(slowestLaneMs([{ open: 10, callsPerMinute: 0 }])).toBeUndefined();
  });
});
