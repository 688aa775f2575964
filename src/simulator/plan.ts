/** What will be sent for one admitted call, and after how many tokens: pure, faults included. */
import { type Answer, piecesOf } from "./answer.ts";
import type { Fault } from "./faults.ts";
import { tokensIn } from "./text.ts";
import type { Wire } from "./wire.ts";

export interface Plan {
  readonly steps: readonly Step[];
  readonly end: PlanEnd;
}

/** `cut`: the connection ends as if all were well. `reset`: it breaks. `hang`: it stays open, and nothing comes. */
export type PlanEnd = "complete" | "cut" | "reset" | "hang";

export interface Step {
  /** Tokens of the answer that must have been produced before this is sent. */
  readonly afterTokens: number;
  readonly data: string;
}

/** A hang without `afterTokens` answers nothing at all, so it has no plan. */
export const neverAnswers = (fault: Fault | undefined): boolean =>
  fault?.kind === "hang" && fault.afterTokens === undefined;

export function planWhole(wire: Wire, answer: Answer, fault: Fault | undefined): Plan {
  const body = fault?.kind === "empty-answer" ? (wire.empty ?? wire.whole)(answer) : wire.whole(answer);
  const half = body.slice(0, body.length / 2);
  const plan = (data: string, end: PlanEnd): Plan => ({ steps: [{ afterTokens: answer.outputTokens, data }], end });
  if (fault?.kind === "cut-stream") return plan(half, fault.how === "end" ? "cut" : "reset");
  if (fault?.kind === "hang") return plan(half, "hang");
  return plan(fault?.kind === "malformed-chunk" ? half : body, "complete");
}

export function planStream(wire: Wire, answer: Answer, pieceTokens: number, fault: Fault | undefined): Plan {
  const seam = seamOf(fault, answer);
  const opening = { afterTokens: 0, data: wire.opening(answer) };
  const closing = { afterTokens: answer.outputTokens, data: wire.closing(answer) };
  const pieces = stepsOf(wire, answer, pieceTokens, seam);
  const before = [opening, ...pieces.filter((step) => step.afterTokens <= seam)];
  switch (fault?.kind) {
    case "hang":
      return { steps: before, end: "hang" };
    case "cut-stream":
      return { steps: before, end: fault.how === "end" ? "cut" : "reset" };
    case "stream-error":
      return { steps: [...before, { afterTokens: seam, data: wire.errorEvent(answer) }], end: "cut" };
    case "malformed-chunk": {
      const broken = { afterTokens: seam, data: wire.brokenPiece(answer) };
      const after = pieces.filter((step) => step.afterTokens > seam);
      return { steps: [...before, broken, ...after, closing], end: "complete" };
    }
    case "empty-answer":
      return { steps: [opening], end: "cut" };
    case "late-event": {
      const late = { afterTokens: answer.outputTokens, data: wire.piece(answer, " too late") };
      return { steps: [opening, ...pieces, closing, late], end: "complete" };
    }
    default:
      return { steps: [opening, ...pieces, closing], end: "complete" };
  }
}

/** Tokens after which a fault strikes, within the answer; all of them where none does. */
const seamOf = (fault: Fault | undefined, { outputTokens }: Answer): number =>
  Math.min(
    outputTokens,
    (fault !== undefined && "afterTokens" in fault ? fault.afterTokens : undefined) ?? outputTokens,
  );

function stepsOf(wire: Wire, answer: Answer, pieceTokens: number, seam: number): readonly Step[] {
  let afterTokens = 0;
  const pieces = piecesOf(answer.text, pieceTokens, seam).map((text) => {
    afterTokens += tokensIn(text);
    return { afterTokens, data: wire.piece(answer, text) };
  });
  return [...pieces, ...callSteps(wire, answer)];
}

/** The events of all calls, evenly over the tokens. */
function callSteps(wire: Wire, answer: Answer): readonly Step[] {
  const events = (answer.calls ?? []).flatMap((call, index) => wire.call(answer, call, index));
  return events.map((data, at) => ({
    afterTokens: Math.floor((answer.outputTokens * (at + 1)) / events.length),
    data,
  }));
}
