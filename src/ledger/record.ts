/**
 * Durable before acknowledged (invariant 4): the attempt, its usage and cost, the result and the request's next state
 * in one statement, fenced by the lease token. A fenced-out worker's attempt is still recorded, as `superseded`: the
 * money was spent. An attempt's id is the lease token of its claim, so each call has one row: a call first noted as lost
 * becomes a superseded one when its worker turns up after all. Records travel in groups, and may be said again: after a cut connection, by the next process.
 *
 * The token alone is the fence: the table lets only running rows have one. One thing passes without it: a success of a
 * request that is open and that nobody owns. Its call was made and paid for; making it once more would bring nothing.
 */
import { z } from "zod";
import type { RequestEvent, RequestState } from "../request/lifecycle.ts";
import { nextState } from "../request/lifecycle.ts";
import type { Result } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import { type MicroBatch, microBatch } from "../runtime/micro-batch.ts";
import type { PassedOver } from "./claim.ts";
import { despiteDeadlocks, isRowRefused } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";
import type { KeptAudio } from "./result-audio.ts";
import { storable } from "./storable.ts";
import { detailsOf } from "./usage-columns.ts";
import { tellOfRequests } from "./webhook-outbox.ts";

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

export interface MoveOnward {
  readonly deployment: string;
  readonly lane: string;
  readonly passedOver: readonly PassedOver[];
  /** Calls that the request has spent there before. */
  readonly spentThere: number;
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
  /** The sound that belongs to the result. */
  readonly audio?: KeptAudio;
  /** With `fail`: what the model said, which was no answer. */
  readonly rejected?: string;
  readonly delayMs?: number;
  /** With `fallBack`: where to go, and what is left behind. */
  readonly onward?: MoveOnward;
  readonly failure?: { readonly kind: string; readonly message: string };
  readonly holdReason?: string;
}

/**
 * `recorded`: the row moved, now or when the same was said before. `superseded`: somebody else owns it now; only the
 * attempt was written. `spooled`: Postgres is away and the process ends; the record waits on disk (spool.ts).
 */
export type RecordAnswer = "recorded" | "superseded" | "spooled";
export type RecordRequest = MicroBatch<RecordInput, RecordAnswer>;

/** A record as the statement takes it, and as it is kept on disk: JSON without line breaks. */
export interface RecordLine {
  readonly token: string;
  readonly json: string;
}

export const recordLine = (input: RecordInput): RecordLine => ({
  token: input.leaseToken,
  json: storable(recordRow(input)),
});

const keptLine = z.looseObject({ token: z.uuid(), request_id: z.uuid() });

/** What was kept on disk, maybe by another version; undefined when it is damaged. */
export function readRecordLine(json: string): RecordLine | undefined {
  try {
    return { token: keptLine.parse(JSON.parse(json)).token, json };
  } catch {
    return undefined;
  }
}

/** The longest wait: whoever named a longer one is asked again then. */
const longestDelayMs = 30 * 86_400_000;
/** No call has this many tokens: a count that no column holds is as good as unknown. */
const largestCount = 2_147_483_647;

export function recordRequests(ledger: Ledger): RecordRequest {
  const record = recordLines(ledger);
  return (input) => record(recordLine(input));
}

/** Rejects when Postgres is away. */
export const recordLines = (ledger: Ledger): MicroBatch<RecordLine, RecordAnswer> =>
  microBatch({
    maxItems: 256,
    // The calls of a group are made and paid: what Postgres will not have of one must not lose the others.
    faultOfOne: isRowRefused,
    send: async (lines) => {
      const input = `[${lines.map((line) => line.json).join(",")}]`;
      const statement = () => ledger.hot<{ lease_token: string }[]>`
        with input as materialized (
          select * from json_to_recordset(${input}::text::json) as i(token uuid, request_id uuid, tenant text, batch_id uuid,
            dispatch_no int, attempt int, state text, spent int, delay_ms float8, next_deployment text, next_lane text,
            next_attempt int, passed_over jsonb, reason_kind text, reason text, hold_reason text, finished boolean, result text,
            rejected text, audio_type text, audio text,
            provider text, model text, deployment text, outcome text, failure_kind text, failure_message text,
            http_status int, provider_request_id text, finish_unified text, finish_raw text, input_tokens int,
            output_tokens int, cache_read_tokens int, cache_write_tokens int, reasoning_tokens int, usage_details jsonb, cost_nano_usd bigint,
            price_version text, streamed boolean, started_at timestamptz, duration_ms int, first_token_ms int)
        ),
        moved as (
          update requests r set
            state = i.state, lease_token = null, lease_until = null, dispatch_epoch = null,
            attempt = r.attempt + case when r.lease_token = i.token then i.spent - 1 else 0 end,
            deployment_attempt = case when i.next_lane is not null then coalesce(i.next_attempt, 0)
              else r.deployment_attempt + case when r.lease_token = i.token then i.spent - 1 else 0 end end,
            schema_misses = r.schema_misses + case when i.reason_kind = 'schema' then 1 else 0 end,
            not_before = case when i.delay_ms is null then null else now() + i.delay_ms * interval '1 millisecond' end,
            deployment = coalesce(i.next_deployment, r.deployment), lane = coalesce(i.next_lane, r.lane),
            passed_over = coalesce(i.passed_over, r.passed_over),
            failure_kind = i.reason_kind, failure_message = i.reason, hold_reason = i.hold_reason,
            finished_at = case when i.finished then now() end
          from input i
          where r.id = i.request_id
            and (r.lease_token = i.token or (i.state = 'succeeded' and r.state in ('queued', 'dispatched', 'waiting')))
          returning i.token as lease_token, i.request_id, i.result, i.rejected, i.audio_type, i.audio,
            r.id, r.tenant, r.batch_id, r.state
        ),
        calls as (
          insert into attempts (id, request_id, tenant, batch_id, dispatch_no, attempt, provider, model, deployment, outcome,
            failure_kind, failure_message, http_status, provider_request_id, finish_unified, finish_raw, input_tokens,
            output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_details, cost_nano_usd, price_version,
            streamed, started_at, duration_ms, first_token_ms)
          select i.token, i.request_id, i.tenant, i.batch_id, i.dispatch_no, i.attempt, i.provider, i.model, i.deployment,
            case when i.token in (select lease_token from moved) then i.outcome else 'superseded' end,
            i.failure_kind, i.failure_message, i.http_status, i.provider_request_id, i.finish_unified, i.finish_raw,
            i.input_tokens, i.output_tokens, i.cache_read_tokens, i.cache_write_tokens, i.reasoning_tokens,
            i.usage_details, i.cost_nano_usd, i.price_version, i.streamed, i.started_at, i.duration_ms, i.first_token_ms
          from input i where i.outcome is not null
          on conflict (id) do update set outcome = excluded.outcome, failure_kind = excluded.failure_kind,
            failure_message = excluded.failure_message, http_status = excluded.http_status,
            provider_request_id = excluded.provider_request_id, finish_unified = excluded.finish_unified,
            finish_raw = excluded.finish_raw, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_read_tokens = excluded.cache_read_tokens, cache_write_tokens = excluded.cache_write_tokens,
            reasoning_tokens = excluded.reasoning_tokens, usage_details = excluded.usage_details, cost_nano_usd = excluded.cost_nano_usd,
            price_version = excluded.price_version, streamed = excluded.streamed, started_at = excluded.started_at,
            duration_ms = excluded.duration_ms, first_token_ms = excluded.first_token_ms, xact = pg_current_xact_id()
            where attempts.outcome = 'lost'
        ),
        stored as (
          insert into payloads (request_id, kind, content)
          select request_id, 'result', result::json from moved where result is not null
          union all select request_id, 'rejected', to_json(rejected) from moved where rejected is not null
          on conflict (request_id, kind) do nothing
        ),
        sound as (
          insert into result_audio (request_id, media_type, content)
          select request_id, audio_type, decode(audio, 'base64') from moved where audio is not null
          on conflict (request_id) do nothing
        ),
        told as (${tellOfRequests(ledger.hot)})
        select lease_token from moved`;
      const rows = await despiteDeadlocks(statement);
      const moved = new Set(rows.map((row) => row.lease_token));
      const rest = lines.map((line) => line.token).filter((token) => !moved.has(token));
      const stood = rest.length === 0 ? moved : await recordedBefore(ledger, rest);
      return lines.map(({ token }) => (moved.has(token) || stood.has(token) ? "recorded" : "superseded"));
    },
  });

/** Tokens whose call stands as what it was: the same was said before, and its answer did not come through. */
async function recordedBefore(ledger: Ledger, tokens: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await ledger.sql<{ id: string }[]>`
    select id from attempts where id = any(${tokens}::uuid[]) and outcome not in ('lost', 'superseded')`;
  return new Set(rows.map((row) => row.id));
}

/** Absent keys become NULL columns, so what is not known is not written. */
function recordRow(input: RecordInput) {
  const state: RequestState | undefined = nextState("running", input.event);
  return {
    token: input.leaseToken,
    request_id: input.requestId,
    tenant: input.tenant,
    batch_id: input.batchId,
    dispatch_no: input.dispatchNo,
    attempt: input.attemptNo,
    state,
    spent: input.spent ? 1 : 0,
    delay_ms: input.delayMs === undefined ? undefined : Math.min(input.delayMs, longestDelayMs),
    next_deployment: input.onward?.deployment,
    next_lane: input.onward?.lane,
    next_attempt: input.onward?.spentThere,
    passed_over: input.onward?.passedOver,
    reason_kind: input.failure?.kind,
    reason: input.failure?.message,
    hold_reason: input.holdReason,
    finished: state === "succeeded" || state === "failed",
    result: input.result === undefined ? undefined : JSON.stringify(input.result),
    rejected: input.rejected,
    audio_type: input.audio?.mediaType,
    audio: input.audio === undefined ? undefined : Buffer.from(input.audio.data).toString("base64"),
    ...(input.attempt === undefined ? {} : callColumns(input.attempt)),
  };
}

const callColumns = (attempt: AttemptRow) => ({
  provider: attempt.provider,
  model: attempt.model,
  deployment: attempt.deployment,
  outcome: attempt.outcome,
  failure_kind: attempt.failureKind,
  failure_message: attempt.failureMessage,
  http_status: attempt.httpStatus,
  provider_request_id: attempt.providerRequestId,
  finish_unified: attempt.finish?.unified,
  finish_raw: attempt.finish?.raw,
  input_tokens: tokens(attempt.usage.inputTokens),
  output_tokens: tokens(attempt.usage.outputTokens),
  cache_read_tokens: tokens(attempt.usage.cacheReadTokens),
  cache_write_tokens: tokens(attempt.usage.cacheWriteTokens),
  reasoning_tokens: tokens(attempt.usage.reasoningTokens),
  usage_details: detailsOf(attempt.usage),
  cost_nano_usd: attempt.costNanoUsd?.toString(),
  price_version: attempt.priceVersion,
  streamed: attempt.streamed,
  started_at: attempt.startedAt.toISOString(),
  duration_ms: Math.round(attempt.durationMs),
  first_token_ms: attempt.firstTokenMs === undefined ? undefined : Math.round(attempt.firstTokenMs),
});

const tokens = (count: number | undefined): number | undefined =>
  count === undefined || count > largestCount ? undefined : count;
