/**
 * Durable before acknowledged (invariant 4): the attempt, its usage and cost, the result and the request's next state
 * in one statement, fenced by the lease token. A fenced-out worker's attempt is still recorded, as `superseded`: the
 * money was spent. An attempt's id is the lease token of its claim, so each call has one row: a call first noted as lost
 * becomes a superseded one when its worker turns up after all. Records travel in groups. The token alone is the fence: the table lets only running rows have one.
 */
import type { RequestEvent, RequestState } from "../request/lifecycle.ts";
import { nextState } from "../request/lifecycle.ts";
import type { Result } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { type MicroBatch, microBatch } from "../runtime/micro-batch.ts";
import type { PassedOver } from "./claim.ts";
import { despiteDeadlocks } from "./contention.ts";
import type { Ledger } from "./ledger.ts";

/** One provider call, as it will stand in `attempts`. */
export interface AttemptRow {
  readonly provider: string;
  readonly model: string;
  readonly deployment: string;
  readonly outcome: "succeeded" | "failed" | "cancelled";
  readonly failureKind?: string;
  readonly failureMessage?: string;
  readonly httpStatus?: number;
  readonly providerRequestId?: string;
  readonly finish?: { readonly unified: string; readonly raw: string };
  readonly usage: Usage;
  readonly costNanoUsd?: bigint;
  readonly priceVersion?: string;
  readonly streamed: boolean;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly firstTokenMs?: number;
}

export interface RecordInput {
  readonly requestId: string;
  readonly leaseToken: string;
  readonly tenant: string;
  readonly batchId: string | undefined;
  readonly dispatchNo: number;
  readonly attemptNo: number;
  readonly event: Extract<RequestEvent, "succeed" | "fail" | "postpone" | "fallBack" | "handBack" | "hold">;
  /** The call, if one was made. */
  readonly attempt?: AttemptRow;
  /** Whether the attempt counted at the claim is used up; otherwise it is given back (invariant 7). */
  readonly spent: boolean;
  readonly result?: Result;
  readonly delayMs?: number;
  /** With `fallBack`: where to go, and what is left behind. */
  readonly onward?: { readonly deployment: string; readonly lane: string; readonly passedOver: readonly PassedOver[] };
  readonly failure?: { readonly kind: string; readonly message: string };
  readonly holdReason?: string;
}

/** `recorded`: the row moved. `superseded`: somebody else owns it now; only the attempt was written. */
export type RecordAnswer = "recorded" | "superseded";
export type RecordRequest = MicroBatch<RecordInput, RecordAnswer>;

/** Postgres text holds no NUL, and a provider's message may. */
const storable = (text: string): string => text.replaceAll("\u0000", "");

export const recordRequests = (ledger: Ledger): RecordRequest =>
  microBatch({
    maxItems: 256,
    send: async (inputs) => {
      const moves = inputs.map(moveRow);
      const calls = inputs.flatMap((input) => (input.attempt === undefined ? [] : [attemptRow(input, input.attempt)]));
      const results = inputs.flatMap((input) =>
        input.result === undefined ? [] : [{ request_id: input.requestId, content: JSON.stringify(input.result) }],
      );
      const rows = await despiteDeadlocks(
        () => ledger.sql<{ id: string; lease_token: string }[]>`
        with moves as materialized (
          select * from json_to_recordset(${JSON.stringify(moves)}::text::json) as m(request_id uuid, token uuid, state text,
            spent int, delay_ms float8, deployment text, lane text, passed_over jsonb, failure_kind text,
            failure_message text, hold_reason text, finished boolean, moved_on boolean)
        ),
        moved as (
          update requests r set
            state = m.state, lease_token = null, lease_until = null, dispatch_epoch = null,
            attempt = r.attempt - 1 + m.spent,
            deployment_attempt = case when m.moved_on then 0 else r.deployment_attempt - 1 + m.spent end,
            not_before = case when m.delay_ms is null then null else now() + m.delay_ms * interval '1 millisecond' end,
            deployment = coalesce(m.deployment, r.deployment), lane = coalesce(m.lane, r.lane),
            passed_over = coalesce(m.passed_over, r.passed_over),
            failure_kind = m.failure_kind, failure_message = m.failure_message, hold_reason = m.hold_reason,
            finished_at = case when m.finished then now() end
          from moves m
          where r.id = m.request_id and r.lease_token = m.token
          returning r.id, m.token as lease_token
        ),
        calls as (
          insert into attempts (id, request_id, tenant, batch_id, dispatch_no, attempt, provider, model, deployment, outcome,
            failure_kind, failure_message, http_status, provider_request_id, finish_unified, finish_raw, input_tokens,
            output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_nano_usd, price_version, streamed,
            started_at, duration_ms, first_token_ms)
          select a.token, a.request_id, a.tenant, a.batch_id, a.dispatch_no, a.attempt, a.provider, a.model, a.deployment,
            case when a.token in (select lease_token from moved) then a.outcome else 'superseded' end,
            a.failure_kind, a.failure_message, a.http_status, a.provider_request_id, a.finish_unified, a.finish_raw,
            a.input_tokens, a.output_tokens, a.cache_read_tokens, a.cache_write_tokens, a.reasoning_tokens,
            a.cost_nano_usd, a.price_version, a.streamed, a.started_at, a.duration_ms, a.first_token_ms
          from json_to_recordset(${JSON.stringify(calls)}::text::json) as a(token uuid, request_id uuid, tenant text,
            batch_id uuid, dispatch_no int, attempt int, provider text, model text, deployment text, outcome text,
            failure_kind text, failure_message text, http_status int, provider_request_id text, finish_unified text,
            finish_raw text, input_tokens int, output_tokens int, cache_read_tokens int, cache_write_tokens int,
            reasoning_tokens int, cost_nano_usd bigint, price_version text, streamed boolean, started_at timestamptz,
            duration_ms int, first_token_ms int)
          on conflict (id) do update set outcome = excluded.outcome, failure_kind = excluded.failure_kind,
            failure_message = excluded.failure_message, http_status = excluded.http_status,
            provider_request_id = excluded.provider_request_id, finish_unified = excluded.finish_unified,
            finish_raw = excluded.finish_raw, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_read_tokens = excluded.cache_read_tokens, cache_write_tokens = excluded.cache_write_tokens,
            reasoning_tokens = excluded.reasoning_tokens, cost_nano_usd = excluded.cost_nano_usd,
            price_version = excluded.price_version, streamed = excluded.streamed, started_at = excluded.started_at,
            duration_ms = excluded.duration_ms, first_token_ms = excluded.first_token_ms, xact = pg_current_xact_id()
            where attempts.outcome = 'lost'
        ),
        stored as (
          insert into payloads (request_id, kind, content)
          select s.request_id, 'result', s.content::json
          from unnest(${results.map((r) => r.request_id)}::uuid[], ${results.map((r) => r.content)}::text[]) as s(request_id, content)
          join moved on moved.id = s.request_id
          on conflict (request_id, kind) do nothing
        )
        select id, lease_token from moved`,
      );
      const tokens = new Set(rows.map((row) => row.lease_token));
      return inputs.map((input) => (tokens.has(input.leaseToken) ? "recorded" : "superseded"));
    },
  });

function moveRow(input: RecordInput) {
  const state: RequestState | undefined = nextState("running", input.event);
  return {
    request_id: input.requestId,
    token: input.leaseToken,
    state,
    spent: input.spent ? 1 : 0,
    delay_ms: input.delayMs ?? null,
    deployment: input.onward?.deployment ?? null,
    lane: input.onward?.lane ?? null,
    passed_over: input.onward?.passedOver ?? null,
    moved_on: input.onward !== undefined,
    failure_kind: input.failure?.kind ?? null,
    failure_message: input.failure === undefined ? null : storable(input.failure.message),
    hold_reason: input.holdReason ?? null,
    finished: state === "succeeded" || state === "failed",
  };
}

function attemptRow(input: RecordInput, attempt: AttemptRow) {
  return {
    token: input.leaseToken,
    request_id: input.requestId,
    tenant: input.tenant,
    batch_id: input.batchId ?? null,
    dispatch_no: input.dispatchNo,
    attempt: input.attemptNo,
    provider: attempt.provider,
    model: attempt.model,
    deployment: attempt.deployment,
    outcome: attempt.outcome,
    failure_kind: attempt.failureKind ?? null,
    failure_message: attempt.failureMessage === undefined ? null : storable(attempt.failureMessage),
    http_status: attempt.httpStatus ?? null,
    provider_request_id: attempt.providerRequestId ?? null,
    finish_unified: attempt.finish?.unified ?? null,
    finish_raw: attempt.finish?.raw ?? null,
    input_tokens: attempt.usage.inputTokens ?? null,
    output_tokens: attempt.usage.outputTokens ?? null,
    cache_read_tokens: attempt.usage.cacheReadTokens ?? null,
    cache_write_tokens: attempt.usage.cacheWriteTokens ?? null,
    reasoning_tokens: attempt.usage.reasoningTokens ?? null,
    cost_nano_usd: attempt.costNanoUsd?.toString() ?? null,
    price_version: attempt.priceVersion ?? null,
    streamed: attempt.streamed,
    started_at: attempt.startedAt.toISOString(),
    duration_ms: Math.round(attempt.durationMs),
    first_token_ms: attempt.firstTokenMs === undefined ? null : Math.round(attempt.firstTokenMs),
  };
}
