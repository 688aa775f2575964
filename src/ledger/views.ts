/**
 * Views with the columns that operators of AI provider layers know, and three for analysis. They read the tables as
 * they are; the CLI and the dashboards have their own bounded queries.
 */
import { sql } from "drizzle-orm";
import { bigint, boolean, integer, json, numeric, pgView, text, timestamp, uuid } from "drizzle-orm/pg-core";

export const providerLogs = pgView("provider_logs", {
  id: uuid("id"),
  requestId: uuid("request_id"),
  conversationId: text("conversation_id"),
  userId: text("user_id"),
  provider: text("provider"),
  model: text("model"),
  state: text("state"),
  requestData: json("request_data"),
  responseData: json("response_data"),
  errorData: json("error_data"),
  duration: integer("duration"),
  createdAt: timestamp("created_at", { withTimezone: true }),
  updatedAt: timestamp("updated_at", { withTimezone: true }),
}).as(sql`
  select a.id, a.request_id, null::text as conversation_id, null::text as user_id, a.provider, a.model,
    case a.outcome when 'succeeded' then 'completed' else 'failed' end as state,
    (select content from payloads p where p.request_id = a.request_id and p.kind = 'body') as request_data,
    case when a.outcome = 'succeeded'
      then (select content from payloads p where p.request_id = a.request_id and p.kind = 'result') end as response_data,
    case when a.failure_kind is not null
      then json_build_object('kind', a.failure_kind, 'message', a.failure_message, 'status', a.http_status) end as error_data,
    a.duration_ms as duration, a.started_at as created_at, a.created_at as updated_at
  from attempts a
  union all
  select r.id, r.id, null, null, split_part(r.deployment, '/', 1), r.model, 'pending',
    (select content from payloads p where p.request_id = r.id and p.kind = 'body'), null, null, null,
    r.created_at, coalesce(r.dispatched_at, r.created_at)
  from requests r where r.state in ('queued', 'dispatched', 'running', 'waiting', 'held')`);

export const providerMetrics = pgView("provider_metrics", {
  id: uuid("id"),
  provider: text("provider"),
  model: text("model"),
  inputTokens: integer("input_tokens"),
  outputTokens: integer("output_tokens"),
  totalTokens: integer("total_tokens"),
  duration: integer("duration"),
  success: boolean("success"),
  createdAt: timestamp("created_at", { withTimezone: true }),
}).as(sql`
  select id, provider, model, input_tokens, output_tokens, input_tokens + output_tokens as total_tokens,
    duration_ms as duration, outcome = 'succeeded' as success, created_at
  from attempts`);

export const providerHourly = pgView("provider_hourly", {
  hour: timestamp("hour", { withTimezone: true }),
  provider: text("provider"),
  calls: numeric("calls"),
  succeeded: numeric("succeeded"),
  inputTokens: numeric("input_tokens"),
  outputTokens: numeric("output_tokens"),
  costNanoUsd: numeric("cost_nano_usd"),
  unpriced: numeric("unpriced"),
  meanDurationMs: numeric("mean_duration_ms"),
}).as(sql`
  select hour, provider, sum(calls) as calls, sum(succeeded) as succeeded, sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced,
    sum(duration_ms) / nullif(sum(calls), 0) as mean_duration_ms
  from attempt_stats group by hour, provider`);

export const modelDaily = pgView("model_daily", {
  day: timestamp("day", { withTimezone: true }),
  model: text("model"),
  calls: numeric("calls"),
  inputTokens: numeric("input_tokens"),
  outputTokens: numeric("output_tokens"),
  costNanoUsd: numeric("cost_nano_usd"),
  unpriced: numeric("unpriced"),
}).as(sql`
  select date_trunc('day', hour) as day, model, sum(calls) as calls, sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced
  from attempt_stats group by 1, 2`);

export const tenantDailyCost = pgView("tenant_daily_cost", {
  day: timestamp("day", { withTimezone: true }),
  tenant: text("tenant"),
  calls: bigint("calls", { mode: "number" }),
  costNanoUsd: numeric("cost_nano_usd"),
  unpriced: bigint("unpriced", { mode: "number" }),
}).as(sql`
  select date_trunc('day', created_at) as day, tenant, count(*) as calls, sum(cost_nano_usd) as cost_nano_usd,
    count(*) filter (where cost_nano_usd is null and outcome <> 'failed') as unpriced
  from attempts group by 1, 2`);
