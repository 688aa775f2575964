/** Rows that wait for a deployment that is blocked, and their way to another one. All bounded; safe when two run. */
import type { PassedOver } from "./claim.ts";
import { despiteDeadlocks } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";

export interface BlockedRow {
  readonly id: string;
  readonly model: string;
  readonly deployment: string;
  readonly passedOver: readonly PassedOver[];
  /** Calls spent on `deployment`. */
  readonly spent: number;
  readonly estInputTokens: number;
  readonly estOutputTokens: number;
}

export interface BlockedWish {
  readonly lane: string;
  readonly deployments: readonly string[];
  /** Models whose requests have nowhere else to go. */
  readonly stuckModels: readonly string[];
  readonly limit: number;
}

/**
 * Rows of the lane that wait for one of these deployments, in its window or in the backlog. The scan of the backlog ends
 * early, for most of a blocked lane is blocked.
 */
export async function blockedRows(ledger: Ledger, wish: BlockedWish): Promise<BlockedRow[]> {
  const { lane, deployments, stuckModels, limit } = wish;
  const { sql } = ledger;
  const theirs = sql`
    deployment = any(${deployments as string[]}::text[]) and model <> all(${stuckModels as string[]}::text[])`;
  return sql<BlockedRow[]>`
    (select id, model, deployment, passed_over as "passedOver", deployment_attempt as spent,
        est_input_tokens as "estInputTokens", est_output_tokens as "estOutputTokens" from requests
      where state = 'dispatched' and lane = ${lane} and ${theirs} limit ${limit})
    union all
    (select id, model, deployment, passed_over, deployment_attempt, est_input_tokens, est_output_tokens from (
      select * from requests where state = 'queued' and lane = ${lane} order by priority, tenant, id limit ${20 * limit}) head
      where ${theirs} limit ${limit})`;
}

/** Deployments for which requests stand in the windows of these lanes for more than a moment. */
export async function standingInLanes(
  ledger: Ledger,
  lanes: readonly string[],
): Promise<readonly { readonly lane: string; readonly deployment: string }[]> {
  return ledger.sql<{ lane: string; deployment: string }[]>`
    select distinct l.lane, d.deployment from unnest(${lanes as string[]}::text[]) as l(lane), lateral (
      select deployment from requests
      where state = 'dispatched' and lane = l.lane and dispatched_at < now() - interval '1 second'
      order by dispatched_at limit 50) d`;
}

export interface Diversion {
  readonly id: string;
  /** Where it was when this was decided. */
  readonly from: string;
  readonly deployment: string;
  readonly lane: string;
  readonly passedOver: readonly PassedOver[];
  /** Calls that the request has spent there before. */
  readonly spentThere: number;
}

/**
 * Moves rows that still wait where they did. Nothing is spent: they were not called. The job of one that was dispatched
 * finds the fence shut.
 */
export async function divertRows(ledger: Ledger, diversions: readonly Diversion[]): Promise<number> {
  if (diversions.length === 0) return 0;
  const rows = await despiteDeadlocks(
    () => ledger.sql`
      update requests r set state = 'queued', dispatched_at = null, dispatch_epoch = null, deployment = i.deployment,
        lane = i.lane, deployment_attempt = i."spentThere", passed_over = i."passedOver"
      from json_to_recordset(${JSON.stringify(diversions)}::text::json)
        as i(id uuid, "from" text, deployment text, lane text, "passedOver" jsonb, "spentThere" int)
      where r.id = i.id and r.state in ('queued', 'dispatched') and r.deployment = i."from"`,
  );
  return rows.count;
}
