CREATE TABLE "hosted_batches" (
	"batch_id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"wire" text NOT NULL,
	"endpoint" text NOT NULL,
	"completion_window" text NOT NULL,
	"metadata" jsonb,
	"idempotency_key" text,
	"input_file" text NOT NULL,
	"output_file_id" uuid,
	"error_file_id" uuid,
	"output_expires_seconds" integer,
	"expires_at" timestamp with time zone NOT NULL,
	"checked_lines" integer,
	"in_progress_at" timestamp with time zone,
	"finalizing_at" timestamp with time zone,
	"cancelling_at" timestamp with time zone,
	"settled_at" timestamp with time zone,
	"outcome" text,
	"errors" jsonb,
	"summary" jsonb,
	"deleted_at" timestamp with time zone,
	"lease_token" uuid,
	"lease_until" timestamp with time zone,
	"look_after" timestamp with time zone,
	CONSTRAINT "hosted_batches_outcome" CHECK ((settled_at is null) = (outcome is null))
);
--> statement-breakpoint
CREATE INDEX "hosted_batches_open" ON "hosted_batches" USING btree ("batch_id") WHERE settled_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "hosted_batches_idempotency" ON "hosted_batches" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "hosted_batches_input" ON "hosted_batches" USING btree ("input_file") WHERE settled_at is null;