-- Rows of requests are updated a few times each within seconds: room on the page, and an early vacuum.
ALTER TABLE "requests" SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
--> statement-breakpoint
-- Faster than the default where the server has it (PostgreSQL 14 and newer, built with lz4); otherwise nothing changes.
DO $$ BEGIN
  EXECUTE 'ALTER TABLE "payloads" ALTER COLUMN "content" SET COMPRESSION lz4';
EXCEPTION WHEN others THEN NULL;
END $$;
