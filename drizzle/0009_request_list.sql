DROP INDEX CONCURRENTLY IF EXISTS "requests_tenant";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY "requests_tenant" ON "requests" USING btree ("tenant","id");
