DROP INDEX CONCURRENTLY IF EXISTS "requests_finished";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY "requests_finished" ON "requests" USING btree ("finished_at","id") WHERE finished_at is not null;
