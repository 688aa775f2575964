CREATE TABLE "open_counts" (
	"scope" text PRIMARY KEY NOT NULL,
	"open" bigint NOT NULL,
	"ended_per_second" double precision,
	"counted_at" timestamp with time zone,
	"took_ms" double precision
);
--> statement-breakpoint
ALTER TABLE "payloads" ADD COLUMN "masked" boolean DEFAULT false NOT NULL;
