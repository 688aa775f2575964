DROP INDEX CONCURRENTLY IF EXISTS "files_idempotency";
--> statement-breakpoint
CREATE UNIQUE INDEX CONCURRENTLY "files_idempotency" ON "files" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null;
--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "webhook_endpoints_idempotency";
--> statement-breakpoint
CREATE UNIQUE INDEX CONCURRENTLY "webhook_endpoints_idempotency" ON "webhook_endpoints" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null and ended_at is null;
