import type { CallRecord } from "./call-ledger.ts";

export interface LedgerSummary {
  readonly calls: number;
  readonly byProvider: Readonly<Record<string, number>>;
  /** By status answered; `none` where nothing is answered. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byEnd: Readonly<Record<string, number>>;
  /** Calls refused by a limit, by its dimension. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Of complete answers. */
  readonly inputTokens: number;
  /** Produced, in broken answers too. */
  readonly outputTokens: number;
  readonly byCorrelation: Repeats;
  readonly byText: Repeats;
}

/** How often the same value came again. */
export interface Repeats {
  readonly distinct: number;
  /** Values that came more than once. */
  readonly repeated: number;
  /** Calls beyond the first of their value. */
  readonly extraCalls: number;
  /** Complete answers (status 200) beyond the first of their value: what was really done twice. */
  readonly extraAnswers: number;
}

/** Counts of calls. Calls without a correlation, or without a readable text, are in no repeats. */
export function summarise(calls: Iterable<CallRecord>): LedgerSummary {
  const byProvider: Record<string, number> = {};
  const byStatus: Record<string, number> = {};
  const byEnd: Record<string, number> = {};
  const refusals: Record<string, number> = {};
  const correlations = new Map<string, Count>();
  const texts = new Map<string, Count>();
  let [count, inputTokens, outputTokens] = [0, 0, 0];
  for (const call of calls) {
    count += 1;
    bump(byProvider, call.provider);
    bump(byStatus, `${call.status ?? "none"}`);
    bump(byEnd, call.ended);
    if (call.refusedBy !== undefined) bump(refusals, call.refusedBy);
    const isAnswered = call.status === 200 && call.ended === "complete";
    if (isAnswered) inputTokens += call.inputTokens ?? 0;
    outputTokens += call.outputTokens ?? 0;
    note(correlations, call.correlation, isAnswered);
    note(texts, call.textHash, isAnswered);
  }
  return {
    calls: count,
    byProvider,
    byStatus,
    byEnd,
    refusals,
    inputTokens,
    outputTokens,
    byCorrelation: repeatsOf(correlations),
    byText: repeatsOf(texts),
  };
}

interface Count {
  calls: number;
  answers: number;
}

const bump = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

function note(counts: Map<string, Count>, value: string | undefined, isAnswered: boolean): void {
  if (value === undefined) return;
  const count = counts.get(value) ?? { calls: 0, answers: 0 };
  count.calls += 1;
  if (isAnswered) count.answers += 1;
  counts.set(value, count);
}

function repeatsOf(counts: ReadonlyMap<string, Count>): Repeats {
  let [repeated, extraCalls, extraAnswers] = [0, 0, 0];
  for (const { calls, answers } of counts.values()) {
    if (calls > 1) repeated += 1;
    extraCalls += calls - 1;
    extraAnswers += Math.max(0, answers - 1);
  }
  return { distinct: counts.size, repeated, extraCalls, extraAnswers };
}
