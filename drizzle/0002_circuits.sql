CREATE TABLE "circuit_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"provider" text NOT NULL,
	"deployment" text,
	"from_state" text NOT NULL,
	"to_state" text NOT NULL,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	CONSTRAINT "circuit_events_by" CHECK ("by" in ('gate', 'operator'))
);
--> statement-breakpoint
CREATE TABLE "provider_estimates" (
	"deployment" text PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"input_ratio" double precision NOT NULL,
	"output_tokens" bigint,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "provider_rate_limits" ADD COLUMN "followed" bigint;--> statement-breakpoint
CREATE INDEX "circuit_events_target" ON "circuit_events" USING btree ("provider","deployment","id");