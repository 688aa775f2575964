import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageFolder } from "../runtime/package-folder.ts";
import type { Ledger } from "./ledger.ts";

/** drizzle-kit's own record of the migrations that this version brings. */
const journalSchema = z.object({ entries: z.array(z.object({ when: z.number(), tag: z.string() })) });

/** Tags of the migrations of this version that the database has not seen. Rejects when the database is away. */
export async function missingMigrations(ledger: Ledger): Promise<readonly string[]> {
  const journal = journalSchema.parse(
    JSON.parse(readFileSync(join(packageFolder("drizzle"), "meta", "_journal.json"), "utf8")),
  );
  const [known] = await ledger.sql<{ table: string | null }[]>`
    select to_regclass('drizzle.__drizzle_migrations')::text as table`;
  if (known?.table === null || known === undefined) return journal.entries.map((entry) => entry.tag);
  const [row] = await ledger.sql<{ newest: string | null }[]>`
    select max(created_at)::text as newest from drizzle.__drizzle_migrations`;
  const newest = Number(row?.newest ?? 0);
  return journal.entries.filter((entry) => entry.when > newest).map((entry) => entry.tag);
}
