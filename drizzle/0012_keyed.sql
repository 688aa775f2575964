ALTER TABLE "files" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "hosted_batches" ADD COLUMN "api_key_id" uuid;