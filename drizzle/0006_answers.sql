CREATE TABLE "result_audio" (
	"request_id" uuid PRIMARY KEY NOT NULL,
	"media_type" text NOT NULL,
	"content" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "usage_details" jsonb;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "schema_misses" smallint DEFAULT 0 NOT NULL;