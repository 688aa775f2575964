import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";
import { packageFolder } from "../runtime/package-folder.ts";

/** Any constant does; it must only be the same in every process. */
const migrationLock = 4_915_112_101;

/**
 * Brings the database to this version's schema; does nothing when it is there. Any number of processes may call it at
 * once: an advisory lock lets one work while the others wait. Throws when the server is older than PostgreSQL 13.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    const [row] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`;
    if (row !== undefined && row.version < 130_000) {
      throw new Error(`PostgreSQL 13 or newer is needed; this server is ${Math.floor(row.version / 10_000)}.`);
    }
    await sql`select pg_advisory_lock(${migrationLock})`;
    await applyMigrations(drizzle(sql), { migrationsFolder: packageFolder("drizzle") });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
