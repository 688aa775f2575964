/** What the ledger knows of a request's way: when it came, who was asked, who was passed over, how it ended. */
import type { RequestState } from "../request/lifecycle.ts";
import type { PassedOver } from "./claim.ts";
import type { Ledger } from "./ledger.ts";

export interface RequestStory {
  readonly createdAt: Date;
  readonly priority: number;
  readonly deadline: Date | null;
  readonly estInputTokens: number;
  readonly estOutputTokens: number;
  readonly state: RequestState;
  readonly lane: string;
  readonly dispatchNo: number;
  /** Of the last dispatch. */
  readonly dispatchedAt: Date | null;
  readonly notBefore: Date | null;
  readonly holdReason: string | null;
  readonly failureKind: string | null;
  readonly failureMessage: string | null;
  readonly finishedAt: Date | null;
  readonly passedOver: readonly PassedOver[];
  /** Oldest first. */
  readonly attempts: readonly StoryAttempt[];
}

export interface StoryAttempt {
  readonly attempt: number;
  readonly dispatchNo: number;
  readonly deployment: string;
  readonly outcome: string;
  readonly failureKind: string | null;
  readonly failureMessage: string | null;
  readonly httpStatus: number | null;
  readonly providerRequestId: string | null;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly firstTokenMs: number | null;
}

/** Undefined when no row has this id. */
export async function storyOf({ sql }: Ledger, id: string): Promise<RequestStory | undefined> {
  const [row] = await sql<Omit<RequestStory, "attempts">[]>`
    select created_at as "createdAt", priority, deadline, est_input_tokens as "estInputTokens",
      est_output_tokens as "estOutputTokens", state, lane, dispatch_no as "dispatchNo", dispatched_at as "dispatchedAt",
      not_before as "notBefore", hold_reason as "holdReason", failure_kind as "failureKind",
      failure_message as "failureMessage", finished_at as "finishedAt", passed_over as "passedOver"
    from requests where id = ${id}`;
  if (row === undefined) return undefined;
  const attempts = await sql<StoryAttempt[]>`
    select attempt, dispatch_no as "dispatchNo", deployment, outcome, failure_kind as "failureKind",
      failure_message as "failureMessage", http_status as "httpStatus", provider_request_id as "providerRequestId",
      started_at as "startedAt", duration_ms as "durationMs", first_token_ms as "firstTokenMs"
    from attempts where request_id = ${id} order by id`;
  return { ...row, attempts };
}
