CREATE TABLE "open_counts" (
	"scope" text PRIMARY KEY NOT NULL,
	"open" bigint NOT NULL,
	"ended_per_second" double precision,
	"counted_at" timestamp with time zone,
	"took_ms" double precision
);
--> statement-breakpoint
ALTER TABLE "payloads" ADD COLUMN "masked" boolean DEFAULT false NOT NULL;--> statement-breakpoint

-- Writes to requests wait while this is built: about a second for each million rows.
CREATE INDEX "requests_finished" ON "requests" USING btree ("finished_at","id") WHERE finished_at is not null;