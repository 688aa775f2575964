/** Single requests for people and producers: show, wait, cancel, retry, release. */
import type { RequestState } from "../request/lifecycle.ts";
import { type Result, resultSchema } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { pausedReason } from "./batch-pause.ts";
import type { PassedOver } from "./claim.ts";
import type { Ledger } from "./ledger.ts";
import { usageColumn, usageIn } from "./usage-columns.ts";
import { tellOfRequests } from "./webhook-outbox.ts";

export interface RequestView {
  readonly id: string;
  readonly tenant: string;
  readonly batchId: string | undefined;
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: number;
  readonly state: RequestState;
  readonly attempts: number;
  /** Counts how often it went into a lane. */
  readonly dispatchNo: number;
  readonly passedOver: readonly PassedOver[];
  readonly failure: { readonly kind: string; readonly message: string } | undefined;
  /** With a failure of kind `schema`: what the model said instead. */
  readonly rejected: string | undefined;
  readonly holdReason: string | undefined;
  readonly notBefore: Date | undefined;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
  readonly result: Result | undefined;
  /** How prompt and answer are kept; no answer of a request without one is not a removed one. */
  readonly kept: { readonly prompt: Kept; readonly answer: Kept | undefined };
}

/** `masked`: addresses, numbers and keys in it were replaced. */
export type Kept = "whole" | "masked" | "removed";

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly batch_id: string | null;
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: number;
  readonly state: RequestState;
  readonly attempt: number;
  readonly dispatch_no: number;
  readonly passed_over: readonly PassedOver[];
  readonly failure_kind: string | null;
  readonly failure_message: string | null;
  readonly hold_reason: string | null;
  readonly not_before: Date | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly result: unknown;
  readonly rejected: unknown;
  readonly result_masked: boolean | null;
  readonly body_masked: boolean | null;
}

/** One request with its result, or undefined when no row has this id. */
export async function requestById(ledger: Ledger, id: string): Promise<RequestView | undefined> {
  const [row] = await ledger.sql<Row[]>`
    select r.id, r.tenant, r.batch_id, r.model, r.deployment, r.lane, r.priority, r.state, r.attempt, r.dispatch_no,
      r.passed_over, r.failure_kind, r.failure_message, r.hold_reason, r.not_before, r.created_at, r.finished_at, p.content as result,
      p.masked as result_masked, b.masked as body_masked, j.content as rejected
    from requests r left join payloads p on p.request_id = r.id and p.kind = 'result'
    left join payloads j on j.request_id = r.id and j.kind = 'rejected'
    left join payloads b on b.request_id = r.id and b.kind = 'body' where r.id = ${id}`;
  return row === undefined ? undefined : viewOf(row);
}

const viewOf = (row: Row): RequestView => ({
  id: row.id,
  tenant: row.tenant,
  batchId: row.batch_id ?? undefined,
  model: row.model,
  deployment: row.deployment,
  lane: row.lane,
  priority: row.priority,
  state: row.state,
  attempts: row.attempt,
  dispatchNo: row.dispatch_no,
  passedOver: row.passed_over,
  failure: row.failure_kind === null ? undefined : { kind: row.failure_kind, message: row.failure_message ?? "" },
  rejected: typeof row.rejected === "string" ? row.rejected : undefined,
  holdReason: row.hold_reason ?? undefined,
  notBefore: row.not_before ?? undefined,
  createdAt: row.created_at,
  finishedAt: row.finished_at ?? undefined,
  result: row.result === null || row.result === undefined ? undefined : resultSchema.parse(row.result),
  kept: {
    prompt: keptAs(row.body_masked),
    answer: row.state === "succeeded" ? keptAs(row.result_masked) : undefined,
  },
});

const keptAs = (masked: boolean | null): Kept => (masked === null ? "removed" : masked ? "masked" : "whole");

export interface AttemptView {
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly failureKind: string | null;
  readonly failureMessage: string | null;
  readonly durationMs: number;
  readonly firstTokenMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** All that is known, the two above among it. */
  readonly usage: Usage;
  readonly costNanoUsd: string | null;
  readonly startedAt: Date;
}

/** The calls of one request, oldest first. */
export async function attemptsOf(ledger: Ledger, requestId: string): Promise<AttemptView[]> {
  const rows = await ledger.sql<(Omit<AttemptView, "usage"> & { readonly usage: unknown })[]>`
    select attempt, provider, model, outcome, failure_kind as "failureKind", failure_message as "failureMessage",
      duration_ms as "durationMs", first_token_ms as "firstTokenMs", input_tokens as "inputTokens",
      output_tokens as "outputTokens", ${usageColumn(ledger)} as usage, cost_nano_usd::text as "costNanoUsd",
      started_at as "startedAt"
    from attempts where request_id = ${requestId} order by id`;
  return rows.map((row) => ({ ...row, usage: usageIn(row.usage) }));
}

/** Cancels what is not finished; a call under way is stopped when its lease is next renewed. False: nothing to cancel. */
export async function cancelRequest(ledger: Ledger, id: string): Promise<boolean> {
  const { sql } = ledger;
  const rows = await sql`
    with moved as (
      update requests set state = 'cancelled', lease_token = null, lease_until = null, finished_at = now()
      where id = ${id} and state in ('queued', 'dispatched', 'running', 'waiting', 'held')
      returning id, tenant, batch_id, state
    ),
    told as (${tellOfRequests(sql)})
    select id from moved`;
  return rows.count > 0;
}

/** Held requests go on, all of them or those of one lane; those of a paused batch go on with it. */
export async function releaseHeld(ledger: Ledger, lane?: string): Promise<number> {
  const { sql } = ledger;
  const rows = await sql`
    update requests set state = 'queued', hold_reason = null
    where state = 'held' and hold_reason is distinct from ${pausedReason} ${lane === undefined ? sql`` : sql`and lane = ${lane}`}`;
  return rows.count;
}
