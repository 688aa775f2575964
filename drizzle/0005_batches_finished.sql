DROP INDEX CONCURRENTLY IF EXISTS "batches_finished";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY "batches_finished" ON "batches" USING btree ("finished_at","id") WHERE finished_at is not null;
