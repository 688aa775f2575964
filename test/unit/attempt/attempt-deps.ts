/** An attempt's surroundings in memory: what it asked for, what it recorded, and answers of the test's choice. */
import type { Admission } from "../../../src/admission/admission.ts";
import type { Place } from "../../../src/admission/door.ts";
import { openEstimates } from "../../../src/admission/learned.ts";
import type { Ask, BlockedBy, Permit, Verdict } from "../../../src/admission/permit.ts";
import type { AttemptDeps, AttemptHooks } from "../../../src/attempt/context.ts";
import { runAttempt } from "../../../src/attempt/run-attempt.ts";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { type SettingsFile, settingsFileSchema } from "../../../src/config/file.ts";
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
  schemaMisses: 0,
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

export const smart = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini", "gemini/gemini-3.5-flash"] as const;

export const granted = (place: Place, ask: Ask, startMs = 0): Verdict => ({
  granted: true,
  permit: {
    leaseId: ask.leaseId,
    pool: place.pool.id,
    deployment: place.deployment,
    reserved: { requests: 1 },
    estimatedInput: ask.inputTokens,
    grantedAtMs: 0,
    probe: false,
  },
  startMs,
  nextMs: 0,
  eachMs: 0,
  more: 100,
});
export const refused = (
  blockedBy: BlockedBy,
  waitMs: number,
  tooLarge?: { readonly asked: number; readonly most: number },
): Extract<Verdict, { granted: false }> => ({
  granted: false,
  waitMs,
  blockedBy,
  ...(tooLarge === undefined ? {} : { tooLarge }),
});

/** An answer of the limiter: a refusal, a start so many milliseconds ahead, or that it is away. */
type Said = Extract<Verdict, { granted: false }> | { readonly startMs: number } | Error;

export interface Surroundings {
  readonly answer?: NonNullable<Connection["chat"]>;
  /** Answers of the limiter, one a question; then it grants. */
  readonly verdicts?: readonly Said[];
  /** Answers to last looks, one a look; then the booked start has come. */
  readonly lastLooks?: readonly Said[];
  /** How deployments stand for whoever looks; those that are not named are open. */
  readonly stands?: Readonly<Record<string, Said>>;
  readonly deps?: Partial<AttemptDeps>;
  readonly admission?: Partial<Admission>;
  readonly settings?: Partial<SettingsFile>;
  readonly stop?: AbortController;
  readonly goesFirst?: boolean;
  readonly recordAnswer?: "recorded" | "superseded";
}

export interface Story {
  readonly recorded: RecordInput[];
  readonly asked: Ask[];
  readonly lastLooks: Ask[];
  readonly looked: string[];
  /** Undefined: the permit was given back unused. */
  readonly settled: (CallOutcome | undefined)[];
  readonly holding: (Permit | undefined)[];
  readonly learned: number[];
  readonly streamed: string[];
  calls: number;
}

export const now = 1_000_000;

export const catalogOf = (settings: Partial<SettingsFile> = {}) =>
  buildCatalog(readEnvironment({}), settingsFileSchema.parse({ models: { smart: [...smart] }, ...settings }));

function limiter(around: Surroundings, story: Story): Admission {
  const verdicts = [...(around.verdicts ?? [])];
  const lastLooks = [...(around.lastLooks ?? [])];
  const said = (place: Place, ask: Ask, answer: Said | undefined): Verdict => {
    if (answer instanceof Error) throw answer;
    return answer !== undefined && "granted" in answer ? answer : granted(place, ask, answer?.startMs);
  };
  return {
    async acquire(place, ask) {
      story.asked.push(ask);
      return said(place, ask, verdicts.shift());
    },
    async lastLook(place, ask) {
      story.lastLooks.push(ask);
      return said(place, ask, lastLooks.shift());
    },
    async look(place, ask) {
      story.looked.push(place.deployment);
      return said(place, ask, around.stands?.[place.deployment]);
    },
    async settle(_permit, outcome) {
      story.settled.push(outcome);
      return true;
    },
    progress: async () => {},
    followed: () => ({}),
    estimates: openEstimates(),
    close: async () => {},
    ...around.admission,
  };
}

/** What a step of an attempt is given, and what it does with it. */
export function surroundings(around: Surroundings = {}): { deps: AttemptDeps; hooks: AttemptHooks; story: Story } {
  const story: Story = {
    recorded: [],
    asked: [],
    lastLooks: [],
    looked: [],
    settled: [],
    holding: [],
    learned: [],
    streamed: [],
    calls: 0,
  };
  const call: NonNullable<Connection["chat"]> = (input, io) => {
    story.calls += 1;
    return (around.answer ?? (async () => answered))(input, io);
  };
  const connection: Connection = { chat: call, probe: async () => answered };
  const deps: AttemptDeps = {
    catalog: catalogOf(around.settings),
    connections: new Map(["anthropic", "openai", "gemini"].map((id) => [id, connection])),
    canServe: () => true,
    admission: limiter(around, story),
    record: async (input) => {
      story.recorded.push(input);
      return around.recordAnswer ?? "recorded";
    },
    telemetry: silentTelemetry,
    clock: { now: () => now, random: () => 0.5 },
    timeouts: { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 5_000 },
    leaseMs: 60_000,
    observeLimits: () => {},
    stream: {
      begin: () => {
        story.streamed.push("begin");
        return { delta: (delta) => story.streamed.push("text" in delta ? delta.text : delta.type), end: () => {} };
      },
    },
    ...around.deps,
  };
  const hooks: AttemptHooks = {
    stop: around.stop ?? new AbortController(),
    holding: (permit) => story.holding.push(permit),
    goesFirst: around.goesFirst ?? false,
    learned: ({ waitMs }) => story.learned.push(waitMs),
  };
  return { deps, hooks, story };
}

/** Runs one attempt and tells what came of it. */
export async function attempt(request: ClaimedRequest, around: Surroundings = {}) {
  const { deps, hooks, story } = surroundings(around);
  const ended = await runAttempt(deps, request, hooks).catch((error: unknown) => ({ threw: error }));
  return { ended, story, record: story.recorded[0] };
}
