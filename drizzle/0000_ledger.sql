CREATE TABLE "attempt_stats" (
	"hour" timestamp with time zone NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"calls" bigint NOT NULL,
	"succeeded" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"first_token_ms" bigint NOT NULL,
	"first_tokens" bigint NOT NULL,
	"duration_buckets" bigint[] NOT NULL,
	CONSTRAINT "attempt_stats_hour_provider_model_pk" PRIMARY KEY("hour","provider","model")
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"batch_id" uuid,
	"dispatch_no" integer NOT NULL,
	"attempt" smallint NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"deployment" text NOT NULL,
	"outcome" text NOT NULL,
	"failure_kind" text,
	"failure_message" text,
	"http_status" smallint,
	"provider_request_id" text,
	"finish_unified" text,
	"finish_raw" text,
	"input_tokens" integer,
	"output_tokens" integer,
	"cache_read_tokens" integer,
	"cache_write_tokens" integer,
	"reasoning_tokens" integer,
	"cost_nano_usd" bigint,
	"price_version" text,
	"streamed" boolean NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"duration_ms" integer NOT NULL,
	"first_token_ms" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"xact" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "batch_lines" (
	"batch_id" uuid NOT NULL,
	"line_no" integer NOT NULL,
	"custom_id" text NOT NULL,
	"request_id" uuid NOT NULL,
	"shape" text NOT NULL,
	CONSTRAINT "batch_lines_batch_id_line_no_pk" PRIMARY KEY("batch_id","line_no")
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"state" text NOT NULL,
	"source" text NOT NULL,
	"fingerprint" text NOT NULL,
	"options" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"total" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"purpose" text NOT NULL,
	"filename" text NOT NULL,
	"bytes" bigint NOT NULL,
	"sha256" text NOT NULL,
	"path" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "fleet_facts" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payloads" (
	"request_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"content" json NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payloads_request_id_kind_pk" PRIMARY KEY("request_id","kind")
);
--> statement-breakpoint
CREATE TABLE "provider_configs" (
	"provider" text PRIMARY KEY NOT NULL,
	"base_url" text,
	"credential_present" boolean NOT NULL,
	"pools" jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_rate_limits" (
	"pool" text NOT NULL,
	"dimension" text NOT NULL,
	"provider" text NOT NULL,
	"limit_value" bigint,
	"remaining" bigint,
	"reset_ms" bigint,
	"observed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "provider_rate_limits_pool_dimension_pk" PRIMARY KEY("pool","dimension")
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"batch_id" uuid,
	"model" text NOT NULL,
	"deployment" text NOT NULL,
	"lane" text NOT NULL,
	"passed_over" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"priority" smallint NOT NULL,
	"state" text NOT NULL,
	"dispatch_no" integer DEFAULT 0 NOT NULL,
	"attempt" smallint DEFAULT 0 NOT NULL,
	"deployment_attempt" smallint DEFAULT 0 NOT NULL,
	"lost" smallint DEFAULT 0 NOT NULL,
	"not_before" timestamp with time zone,
	"deadline" timestamp with time zone,
	"est_input_tokens" integer NOT NULL,
	"est_output_tokens" integer NOT NULL,
	"idempotency_key" text,
	"traceparent" text,
	"reply_wanted" boolean DEFAULT false NOT NULL,
	"lease_token" uuid,
	"lease_until" timestamp with time zone,
	"dispatched_at" timestamp with time zone,
	"dispatch_epoch" text,
	"failure_kind" text,
	"failure_message" text,
	"hold_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "requests_state" CHECK (state in ('queued', 'dispatched', 'running', 'waiting', 'held', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT "requests_priority" CHECK (priority between 1 and 3),
	CONSTRAINT "requests_lease_token" CHECK ((state = 'running') = (lease_token is not null))
);
--> statement-breakpoint
CREATE TABLE "toggles" (
	"name" text PRIMARY KEY NOT NULL,
	"reason" text,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attempts_request" ON "attempts" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "attempts_provider" ON "attempts" USING btree ("provider","id");--> statement-breakpoint
CREATE INDEX "attempts_failed" ON "attempts" USING btree ("id") WHERE outcome <> 'succeeded';--> statement-breakpoint
CREATE INDEX "attempts_batch" ON "attempts" USING btree ("batch_id","created_at") WHERE batch_id is not null;--> statement-breakpoint
CREATE INDEX "attempts_xact" ON "attempts" USING btree ("xact");--> statement-breakpoint
CREATE UNIQUE INDEX "batch_lines_custom_id" ON "batch_lines" USING btree ("batch_id","custom_id");--> statement-breakpoint
CREATE INDEX "batch_lines_request" ON "batch_lines" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "batches_tenant" ON "batches" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "batches_fingerprint" ON "batches" USING btree ("tenant","fingerprint","id");--> statement-breakpoint
CREATE INDEX "batches_open" ON "batches" USING btree ("id") WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX "files_tenant" ON "files" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "files_expiry" ON "files" USING btree ("expires_at") WHERE expires_at is not null;--> statement-breakpoint
CREATE INDEX "requests_backlog" ON "requests" USING btree ("lane","priority","tenant","id") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "requests_due" ON "requests" USING btree ("not_before") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "requests_lease" ON "requests" USING btree ("lease_until") WHERE state = 'running';--> statement-breakpoint
CREATE INDEX "requests_dispatched" ON "requests" USING btree ("lane","dispatched_at") WHERE state = 'dispatched';--> statement-breakpoint
CREATE INDEX "requests_deadline" ON "requests" USING btree ("deadline") WHERE deadline is not null and state in ('queued', 'dispatched', 'waiting', 'held');--> statement-breakpoint
CREATE UNIQUE INDEX "requests_idempotency" ON "requests" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "requests_batch_open" ON "requests" USING btree ("batch_id","state") WHERE batch_id is not null and state in ('queued', 'dispatched', 'running', 'waiting', 'held');--> statement-breakpoint
CREATE INDEX "requests_batch_bad" ON "requests" USING btree ("batch_id","state") WHERE batch_id is not null and state in ('failed', 'cancelled');--> statement-breakpoint
CREATE INDEX "requests_held" ON "requests" USING btree ("id") WHERE state = 'held';--> statement-breakpoint
CREATE VIEW "public"."model_daily" AS (
  select date_trunc('day', hour) as day, model, sum(calls) as calls, sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced
  from attempt_stats group by 1, 2);--> statement-breakpoint
CREATE VIEW "public"."provider_hourly" AS (
  select hour, provider, sum(calls) as calls, sum(succeeded) as succeeded, sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced,
    sum(duration_ms) / nullif(sum(calls), 0) as mean_duration_ms
  from attempt_stats group by hour, provider);--> statement-breakpoint
CREATE VIEW "public"."provider_logs" AS (
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
  from requests r where r.state in ('queued', 'dispatched', 'running', 'waiting', 'held'));--> statement-breakpoint
CREATE VIEW "public"."provider_metrics" AS (
  select id, provider, model, input_tokens, output_tokens, input_tokens + output_tokens as total_tokens,
    duration_ms as duration, outcome = 'succeeded' as success, created_at
  from attempts);--> statement-breakpoint
CREATE VIEW "public"."tenant_daily_cost" AS (
  select date_trunc('day', created_at) as day, tenant, count(*) as calls, sum(cost_nano_usd) as cost_nano_usd,
    count(*) filter (where cost_nano_usd is null and outcome <> 'failed') as unpriced
  from attempts group by 1, 2);