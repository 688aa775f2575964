/** Turns an admitted call into an answer on its way. */
import type { ServerResponse } from "node:http";
import { type Answer, type Ask, type Draft, draftFor, orderedTokens, type ReportedUsage } from "./answer.ts";
import { deliver, type Pace } from "./delivery.ts";
import { uniformAt } from "./digest.ts";
import { type Distribution, valueAt } from "./distribution.ts";
import type { Fault } from "./faults.ts";
import { neverAnswers, type Plan, planStream, planWhole } from "./plan.ts";
import type { Simulation } from "./simulation.ts";
import type { Verdict } from "./verdict.ts";
import { type AnswerContext, eventStream, json, type Wire } from "./wire.ts";

export function respond(
  { settings, ledger }: Simulation,
  wire: Wire,
  { call, fault, permit }: Extract<Verdict, { verdict: "answer" }>,
  context: AnswerContext,
  seq: number,
  response: ServerResponse,
): void {
  const { ask } = call;
  ledger.change(seq, { fault: fault?.kind });
  if (neverAnswers(fault)) {
    ledger.change(seq, { ended: "hang" });
    response.once("close", permit.release);
    return;
  }
  const draft = damaged(draftFor(ask, call.textDigest, lengthsFor(ask, settings)), fault);
  const answer: Answer = {
    ...draft,
    id: seq.toString(36).padStart(12, "0"),
    model: ask.model,
    createdMs: context.nowMs,
    usage: reported({ inputTokens: call.inputTokens, outputTokens: draft.outputTokens }, fault),
    usageInStream: ask.usageInStream,
  };
  const plan = ask.stream ? planStream(wire, answer, settings.pieceTokens, fault) : planWhole(wire, answer, fault);
  const pace = paceOf(settings, seq, fault);
  const processingMs = pace.firstMs + (ask.stream ? 0 : pace.perTokenMs * answer.outputTokens);
  const headers = { ...wire.headers({ ...context, processingMs }), ...contentHeaders(ask, plan) };
  deliver(response, { status: 200, headers }, plan, pace, {
    begun: () => ledger.change(seq, { status: 200 }),
    produced: permit.produced,
    ended: (ended, outputTokens) => ledger.change(seq, { ended, outputTokens }),
    over: permit.release,
  });
}

function lengthsFor({ text }: Ask, { outputFromPrompt, outputTokens }: Simulation["settings"]): Distribution {
  const ordered = outputFromPrompt ? orderedTokens(text) : undefined;
  return ordered === undefined ? outputTokens : { p50: ordered, p99: ordered };
}

function damaged(draft: Draft, fault: Fault | undefined): Draft {
  if (fault?.kind === "filtered") return { text: "", outputTokens: 0, finish: { reason: "filtered" } };
  if (fault?.kind !== "broken-tool-call" || draft.calls === undefined) return draft;
  const last = draft.calls.length - 1;
  return {
    ...draft,
    calls: draft.calls.map(({ name, input }, at) => ({ name, input: at === last ? input.slice(0, -1) : input })),
  };
}

function reported(truth: ReportedUsage, fault: Fault | undefined): ReportedUsage | undefined {
  if (fault?.kind === "missing-usage") return undefined;
  if (fault?.kind !== "wrong-usage") return truth;
  return {
    inputTokens: fault.inputTokens ?? truth.inputTokens * 10,
    outputTokens: fault.outputTokens ?? truth.outputTokens * 10,
  };
}

/** Latency follows the order of arrival, not the text: the same request takes another time when it comes again. */
function paceOf({ latency, seed }: Simulation["settings"], seq: number, fault: Fault | undefined): Pace {
  const slowMs = fault?.kind === "slow" ? fault.ms : 0;
  if (latency === "none") return { firstMs: slowMs, perTokenMs: 0 };
  const firstMs = valueAt(latency.firstTokenMs, uniformAt(seed, seq)) + slowMs;
  return { firstMs, perTokenMs: latency.perTokenMs };
}

/** A broken whole answer states no length, so that its end can be clean or not, as ordered. */
function contentHeaders({ stream }: Ask, { steps, end }: Plan): Record<string, string> {
  if (stream) return { "content-type": eventStream, "cache-control": "no-cache" };
  const type = { "content-type": json };
  return end === "complete" ? { ...type, "content-length": `${Buffer.byteLength(steps[0]?.data ?? "")}` } : type;
}
