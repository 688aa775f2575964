/** Which migrations this version brings, which the database has seen, and whether the two fit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type postgres from "postgres";
import { z } from "zod";
import { packageFolder } from "../runtime/package-folder.ts";
import type { Ledger } from "./ledger.ts";

/** drizzle-kit's own record of the migrations that this version brings. */
const journalSchema = z.object({ entries: z.array(z.object({ when: z.number(), tag: z.string() })) });
export type Migration = z.infer<typeof journalSchema>["entries"][number];

/** Where this version's migrations are. */
export const migrationsFolder = (): string => packageFolder("drizzle");

const migrationsIn = (folder: string): readonly Migration[] =>
  journalSchema.parse(JSON.parse(readFileSync(join(folder, "meta", "_journal.json"), "utf8"))).entries;

/** Tags of the migrations of this version that the database has not seen. Rejects when the database is away. */
export const missingMigrations = async ({ sql }: Pick<Ledger, "sql">): Promise<readonly string[]> =>
  (await pendingMigrations(sql, migrationsFolder())).map((entry) => entry.tag);

/** Those of `folder`, in their order. */
export async function pendingMigrations(sql: postgres.Sql, folder: string): Promise<readonly Migration[]> {
  const [known] = await sql<{ table: string | null }[]>`
    select to_regclass('drizzle.__drizzle_migrations')::text as table`;
  if (known?.table === null || known === undefined) return migrationsIn(folder);
  const [row] = await sql<{ newest: string | null }[]>`
    select max(created_at)::text as newest from drizzle.__drizzle_migrations`;
  const newest = Number(row?.newest ?? 0);
  return migrationsIn(folder).filter((entry) => entry.when > newest);
}

/**
 * A newer schema is no reason to stop: migrations only add. One that takes away what older versions use (the last step of
 * expand, migrate, contract) writes its own tag as the fact `schema_floor`; versions that do not bring that migration do not start.
 * @returns the tag that this version lacks
 */
export async function missingFloor(sql: postgres.Sql, folder: string): Promise<string | undefined> {
  const [known] = await sql<{ table: string | null }[]>`select to_regclass('fleet_facts')::text as table`;
  if (known?.table === null || known === undefined) return undefined;
  const [row] = await sql<{ value: string }[]>`select value from fleet_facts where name = 'schema_floor'`;
  const floor = row?.value;
  return migrationsIn(folder).some((entry) => entry.tag === floor) ? undefined : floor;
}
