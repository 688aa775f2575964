ALTER TABLE "files" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "hosted_batches" ADD COLUMN "api_key_id" uuid;--> statement-breakpoint
CREATE UNIQUE INDEX "files_idempotency" ON "files" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_endpoints_idempotency" ON "webhook_endpoints" USING btree ("tenant","idempotency_key") WHERE idempotency_key is not null and ended_at is null;