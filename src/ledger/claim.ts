/**
 * The fence (invariant 3). A worker owns a request only after this compare-and-set; no row back means that somebody
 * else owns it, it is finished, or the job is stale: return without calling anyone. Claims travel in groups.
 */
import type { Body } from "../request/body.ts";
import { type MicroBatch, microBatch } from "../runtime/micro-batch.ts";
import { despiteAbsence, despiteDeadlocks, type Patience } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";

export interface PassedOver {
  readonly deployment: string;
  readonly lane: string;
  readonly kind: string;
  readonly message: string;
  /** Calls that were spent there. */
  readonly spent?: number;
}

export interface ClaimedRequest {
  readonly id: string;
  readonly leaseToken: string;
  readonly tenant: string;
  readonly batchId: string | undefined;
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: number;
  readonly dispatchNo: number;
  /** Calls spent before this one. */
  readonly attemptsSpent: number;
  readonly attemptsSpentHere: number;
  /** Answers that were not of the form asked for. */
  readonly schemaMisses: number;
  readonly passedOver: readonly PassedOver[];
  readonly estInputTokens: number;
  readonly estOutputTokens: number;
  readonly deadline: Date | undefined;
  readonly traceparent: string | undefined;
  readonly replyWanted: boolean;
  readonly createdAt: Date;
  readonly body: Body;
}

export interface Claim {
  readonly id: string;
  readonly dispatchNo: number;
  readonly leaseToken: string;
}

interface ClaimRow {
  readonly id: string;
  readonly lease_token: string;
  readonly tenant: string;
  readonly batch_id: string | null;
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: number;
  readonly attempt: number;
  readonly deployment_attempt: number;
  readonly schema_misses: number;
  readonly passed_over: readonly PassedOver[];
  readonly est_input_tokens: number;
  readonly est_output_tokens: number;
  readonly deadline: Date | null;
  readonly traceparent: string | null;
  readonly reply_wanted: boolean;
  readonly created_at: Date;
  /** Checked when it was accepted, and never written again. */
  readonly body: Body;
}

export type ClaimRequest = MicroBatch<Claim, ClaimedRequest | undefined>;

/**
 * `state || ''` keeps the planner on the primary key: the partial index on dispatched rows looks small to it, but under load
 * it is full of dead entries.
 *
 * Saying it again is safe: a row that has this very token was claimed by the first saying, whose answer was lost.
 *
 * The attempt is counted at the claim, so that a worker that dies mid-call has spent it; giving back returns it.
 *
 * Waits for a Postgres that is away, with the job in hand and nobody called, as long as there is patience.
 */
export const claimRequests = (ledger: Ledger, leaseMs: number, patience: Patience = {}): ClaimRequest =>
  microBatch({
    maxItems: 256,
    send: async (claims) => {
      const statement = () => ledger.hot<ClaimRow[]>`
        update requests r set state = 'running',
          attempt = r.attempt + case when r.lease_token = i.token then 0 else 1 end,
          deployment_attempt = r.deployment_attempt + case when r.lease_token = i.token then 0 else 1 end,
          lease_token = i.token, lease_until = now() + ${leaseMs} * interval '1 millisecond'
        from unnest(${claims.map((c) => c.id)}::uuid[], ${claims.map((c) => c.dispatchNo)}::int[],
          ${claims.map((c) => c.leaseToken)}::uuid[]) as i(id, dispatch_no, token)
        where r.id = i.id and r.dispatch_no = i.dispatch_no and (r.state || '' = 'dispatched' or r.lease_token = i.token)
        returning r.id, r.lease_token, r.tenant, r.batch_id, r.model, r.deployment, r.lane, r.priority, r.attempt, r.deployment_attempt,
          r.schema_misses, r.passed_over, r.est_input_tokens, r.est_output_tokens, r.deadline, r.traceparent, r.reply_wanted, r.created_at,
          (select content from payloads p where p.request_id = r.id and p.kind = 'body') as body`;
      const rows = await despiteAbsence(patience, () => despiteDeadlocks(statement));
      // By token, not by id: of two claims of one row in one group, one owns it.
      const byToken = new Map(rows.map((row) => [row.lease_token, row]));
      return claims.map((claim) => {
        const row = byToken.get(claim.leaseToken);
        return row === undefined ? undefined : claimedFrom(row, claim);
      });
    },
  });

const claimedFrom = (row: ClaimRow, claim: Claim): ClaimedRequest => ({
  id: row.id,
  leaseToken: claim.leaseToken,
  tenant: row.tenant,
  batchId: row.batch_id ?? undefined,
  model: row.model,
  deployment: row.deployment,
  lane: row.lane,
  priority: row.priority,
  dispatchNo: claim.dispatchNo,
  attemptsSpent: row.attempt - 1,
  attemptsSpentHere: row.deployment_attempt - 1,
  schemaMisses: row.schema_misses,
  passedOver: row.passed_over,
  estInputTokens: row.est_input_tokens,
  estOutputTokens: row.est_output_tokens,
  deadline: row.deadline ?? undefined,
  traceparent: row.traceparent ?? undefined,
  replyWanted: row.reply_wanted,
  createdAt: row.created_at,
  body: row.body,
});

/**
 * Extends the leases a process holds and returns the tokens that are no longer its own: cancelled, rescued or finished.
 * A row that is locked this moment is being moved by somebody; it is left for the next time rather than waited for.
 */
export async function renewLeases(
  ledger: Ledger,
  held: readonly { readonly id: string; readonly leaseToken: string }[],
  leaseMs: number,
): Promise<ReadonlySet<string>> {
  if (held.length === 0) return new Set();
  const rows = await ledger.sql<{ token: string }[]>`
    with held as materialized (
      select * from unnest(${held.map((h) => h.id)}::uuid[], ${held.map((h) => h.leaseToken)}::uuid[]) as h(id, token)
    ),
    free as materialized (
      select r.id from requests r join held h on r.id = h.id and r.lease_token = h.token for update of r skip locked
    ),
    renewed as (
      update requests set lease_until = now() + ${leaseMs} * interval '1 millisecond' where id in (select id from free)
    )
    select h.token from held h where not exists (select 1 from requests r where r.id = h.id and r.lease_token = h.token)`;
  return new Set(rows.map((row) => row.token));
}
