/**
 * A request's story as a list of events, in order. Of dispatches the ledger keeps the time of the last one; a deployment that was
 * passed over has no time of its own, and stands behind its last call, or behind the one before it. Pure.
 */
import type { PassedOver } from "../../src/ledger/claim.ts";
import type { RequestStory, StoryAttempt } from "../../src/ledger/request-story.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { priorityName } from "../../src/request/priority.ts";

export type StoryEvent = { readonly type: string; readonly at: string | null } & Readonly<Record<string, unknown>>;

export function storyEvents(story: RequestStory): readonly StoryEvent[] {
  const { attempts, dispatchNo, dispatchedAt } = story;
  const events: StoryEvent[] = [accepted(story)];
  const passed = [...story.passedOver];
  let isDispatched = dispatchedAt === null;
  const passThose = (ahead: readonly StoryAttempt[]) => {
    while (passed[0] !== undefined && ahead.every(({ deployment }) => deployment !== passed[0]?.deployment)) {
      events.push(passedOver(passed[0]));
      passed.shift();
    }
  };
  const dispatch = () => {
    if (isDispatched) return;
    isDispatched = true;
    events.push({ type: "dispatched", at: timeOf(dispatchedAt), dispatch: dispatchNo, lane: story.lane });
  };

  passThose(attempts);
  for (const [index, attempt] of attempts.entries()) {
    if (attempt.dispatchNo === dispatchNo) dispatch();
    events.push(...callOf(attempt));
    passThose(attempts.slice(index + 1));
  }
  dispatch();
  return [...events, ...standing(story)];
}

const timeOf = (time: Date | null): string | null => time?.toISOString() ?? null;

const accepted = (story: RequestStory): StoryEvent => ({
  type: "accepted",
  at: timeOf(story.createdAt),
  priority: priorityName(story.priority),
  estimated_input_tokens: story.estInputTokens,
  estimated_output_tokens: story.estOutputTokens,
  deadline: timeOf(story.deadline),
});

const passedOver = ({ deployment, kind, message }: PassedOver): StoryEvent => ({
  type: "passed_over",
  at: null,
  deployment,
  failure: { kind, message },
});

function callOf(call: StoryAttempt): readonly StoryEvent[] {
  const { attempt, dispatchNo: dispatch, deployment, startedAt, durationMs } = call;
  const which = { attempt, dispatch, deployment };
  const endedAt = new Date(startedAt.getTime() + durationMs);
  return [
    { type: "call_started", at: timeOf(startedAt), ...which },
    {
      type: "call_ended",
      at: timeOf(endedAt),
      ...which,
      outcome: call.outcome,
      failure: call.failureKind === null ? null : { kind: call.failureKind, message: call.failureMessage },
      http_status: call.httpStatus,
      provider_request_id: call.providerRequestId,
      first_token_ms: call.firstTokenMs,
      duration_ms: durationMs,
    },
  ];
}

/** How it stands now, where that is more than being on its way. */
function standing({ state, ...story }: RequestStory): readonly StoryEvent[] {
  const failure = story.failureKind === null ? null : { kind: story.failureKind, message: story.failureMessage };
  if (state === "waiting") return [{ type: "waiting", at: null, not_before: timeOf(story.notBefore), failure }];
  if (state === "held") return [{ type: "held", at: null, reason: story.holdReason, failure }];
  if (!isTerminal(state)) return [];
  return [{ type: state, at: timeOf(story.finishedAt), ...(state === "succeeded" ? {} : { failure }) }];
}
