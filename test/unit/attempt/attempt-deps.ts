/** An attempt's surroundings in memory: what it asked for, what it recorded, and answers of the test's choice. */
import type { Actual, Permit, Verdict } from "../../../src/admission/permit.ts";
import type { AttemptDeps, AttemptHooks } from "../../../src/attempt/context.ts";
import { runAttempt } from "../../../src/attempt/run-attempt.ts";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import type { ClaimedRequest } from "../../../src/ledger/claim.ts";
import type { RecordInput } from "../../../src/ledger/record.ts";
import type { Connection } from "../../../src/provider/provider.ts";
import { promptBody } from "../../../src/request/body.ts";
import type { Failure } from "../../../src/request/failure.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";
import { silentTelemetry } from "../../../src/telemetry/telemetry.ts";

export const answered: CallOutcome = {
  ok: true,
  text: "4",
  finish: { unified: "stop", raw: "end_turn" },
  usage: { inputTokens: 1_000, outputTokens: 100 },
  providerRequestId: "req_1",
};
export const failing = (failure: Pick<Failure, "kind"> & Partial<Failure>): CallOutcome => ({
  ok: false,
  failure: { message: "went wrong", ...failure },
});

export const claimed = (more: Partial<ClaimedRequest> = {}): ClaimedRequest => ({
  id: "11111111-1111-7111-8111-111111111111",
  leaseToken: "22222222-2222-7222-8222-222222222222",
  tenant: "t",
  batchId: undefined,
  model: "smart",
  deployment: "anthropic/claude-haiku-4-5",
  lane: "anthropic.haiku",
  priority: 2,
  dispatchNo: 1,
  attemptsSpent: 0,
  attemptsSpentHere: 0,
  passedOver: [],
  estInputTokens: 10,
  estOutputTokens: 10,
  deadline: undefined,
  traceparent: undefined,
  replyWanted: false,
  createdAt: new Date(0),
  body: promptBody("smart", "What is 2 + 2?"),
  ...more,
});

export interface Surroundings {
  readonly answer?: Connection["call"];
  /** Answers of the limiter, one a question; then it grants. */
  readonly verdicts?: readonly (Verdict | Error)[];
  readonly deps?: Partial<AttemptDeps>;
  readonly stop?: AbortController;
  readonly recordAnswer?: "recorded" | "superseded";
}

export interface Story {
  readonly recorded: RecordInput[];
  readonly asked: string[];
  readonly settled: Actual[];
  readonly holding: (Permit | undefined)[];
  readonly learned: number[];
  readonly streamed: string[];
  calls: number;
}

export const now = 1_000_000;

/** Runs one attempt and tells what came of it. */
export async function attempt(request: ClaimedRequest, around: Surroundings = {}) {
  const story: Story = { recorded: [], asked: [], settled: [], holding: [], learned: [], streamed: [], calls: 0 };
  const verdicts = [...(around.verdicts ?? [])];
  const models = { smart: ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini", "gemini/gemini-3.5-flash"] };
  const call: Connection["call"] = (input, io) => {
    story.calls += 1;
    return (around.answer ?? (async () => answered))(input, io);
  };
  const deps: AttemptDeps = {
    catalog: buildCatalog(readEnvironment({}), settingsFileSchema.parse({ models })),
    connections: new Map([["anthropic", { call, probe: call as never }]]),
    canServe: () => true,
    admission: {
      async acquire(pool, leaseId) {
        story.asked.push(leaseId);
        const verdict = verdicts.shift() ?? { granted: true, permit: { leaseId, pool: pool.id }, nextMs: 0 };
        if (verdict instanceof Error) throw verdict;
        return verdict;
      },
      async settle(_permit, actual) {
        story.settled.push(actual);
        return true;
      },
      progress: async () => {},
      close: async () => {},
    },
    record: async (input) => {
      story.recorded.push(input);
      return around.recordAnswer ?? "recorded";
    },
    telemetry: silentTelemetry,
    clock: { now: () => now, random: () => 0.5 },
    policy: { perDeployment: 3, total: 6, baseMs: 500, capMs: 30_000 },
    timeouts: { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 5_000 },
    leaseMs: 60_000,
    observeLimits: () => {},
    stream: { begin: () => story.streamed.push("begin"), text: (_id, text) => story.streamed.push(text) },
    ...around.deps,
  };
  const hooks: AttemptHooks = {
    stop: around.stop ?? new AbortController(),
    holding: (permit) => story.holding.push(permit),
    learned: (waitMs) => story.learned.push(waitMs),
  };
  const ended = await runAttempt(deps, request, hooks).catch((error: unknown) => ({ threw: error }));
  return { ended, story, record: story.recorded[0] };
}
