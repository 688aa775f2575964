/**
 * Brings the database to this version's schema while others work on it (docs/operations.md, Upgrades). Each migration is
 * a transaction of its own, and none waits long for a lock: whoever waits for a table makes everybody behind it wait.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";
import { openDatabase } from "./database-client.ts";
import { type Migration, migrationsFolder, missingFloor, pendingMigrations } from "./schema-version.ts";

/** Any constant does; it must only be the same in every process. */
const migrationLock = 4_915_112_101;
const lookMs = 200;

export interface MigrateOptions {
  /** With drizzle-kit's journal; this version's own unless told. */
  readonly folder: string;
  /** A statement waits this long for a lock and is then given up, so that the fleet goes on. */
  readonly lockMs: number;
  /** So often a migration is begun. */
  readonly tries: number;
  /** Between two tries. */
  readonly pauseMs: number;
}

const usual = { lockMs: 2_000, tries: 20, pauseMs: 1_000 };

/** Schema and version do not fit, and nothing was changed. The message says what to do; it is shown without a stack. */
export class SchemaRefused extends Error {
  override readonly name = "SchemaRefused";
}

/**
 * Does nothing, and needs no right to do anything, when the schema is there. Any number of processes may call it at once:
 * one works while the others wait. Throws SchemaRefused when the server is older than PostgreSQL 13, when this version is too old for the
 * schema, when the role may not change it, and when a table is locked all the time.
 */
export async function migrate(databaseUrl: string, wish: Partial<MigrateOptions> = {}): Promise<void> {
  const options = { folder: migrationsFolder(), ...usual, ...wish };
  const sql = openDatabase(databaseUrl, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    const [row] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`;
    if (row !== undefined && row.version < 130_000) {
      throw new SchemaRefused(`PostgreSQL 13 or newer is needed; this server is ${Math.floor(row.version / 10_000)}.`);
    }
    const floor = await missingFloor(sql, options.folder);
    if (floor !== undefined) {
      throw new SchemaRefused(
        `This database needs a newer millrace, one that knows migration ${floor}. Upgrade this process.`,
      );
    }
    while ((await pendingMigrations(sql, options.folder)).length > 0) {
      if (!(await isOurs(sql))) await sleep(lookMs);
      else
        for (const migration of await pendingMigrations(sql, options.folder))
          await applyPatiently(sql, migration, options);
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Asked for again and again: one that waited inside a statement would keep `create index concurrently` waiting, for ever. */
async function isOurs(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ ours: boolean }[]>`select pg_try_advisory_lock(${migrationLock}) as ours`;
  return row?.ours === true;
}

async function applyPatiently(sql: postgres.Sql, migration: Migration, options: MigrateOptions): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await apply(sql, migration, options);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "42501") throw new SchemaRefused(notAllowed(migration.tag), { cause: error });
      if (code !== "55P03") throw error;
      if (tries === options.tries) throw new SchemaRefused(locked(migration.tag), { cause: error });
      await sleep(options.pauseMs);
    }
  }
}

const notAllowed = (tag: string): string =>
  `Migration ${tag} is missing, and this role may not change the schema. Run \`millrace migrate\` with the owner's DATABASE_URL first.`;

const locked = (tag: string): string =>
  `Migration ${tag} could not have its lock: something holds a table for long. End what pg_locks shows, and start again; nothing was changed.`;

/** What builds an index concurrently cannot be in a transaction; such a file holds nothing else, and may be run again. */
async function apply(sql: postgres.Sql, { tag, when }: Migration, { folder, lockMs }: MigrateOptions): Promise<void> {
  const text = readFileSync(join(folder, `${tag}.sql`), "utf8");
  const statements = text.split("--> statement-breakpoint");
  const run = async (session: postgres.ISql) => {
    for (const statement of statements) await session.unsafe(statement);
    const hash = createHash("sha256").update(text).digest("hex");
    await session`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${when})`;
  };
  if (statements.some(isConcurrent)) {
    await prepareRecord(sql);
    await sql`select set_config('lock_timeout', '0', false)`; // it blocks nobody while it waits
    await run(sql);
  } else {
    await sql.begin(async (transaction) => {
      await transaction`select set_config('lock_timeout', ${`${lockMs}ms`}, true)`;
      await prepareRecord(transaction);
      await run(transaction);
    });
  }
}

const isConcurrent = (statement: string): boolean => /^\s*(create|drop)\b.*\bindex\s+concurrently\b/im.test(statement);

/** As drizzle-kit keeps it. */
async function prepareRecord(sql: postgres.ISql): Promise<void> {
  await sql`create schema if not exists drizzle`;
  await sql`create table if not exists drizzle.__drizzle_migrations (
    id serial primary key, hash text not null, created_at bigint)`;
}
