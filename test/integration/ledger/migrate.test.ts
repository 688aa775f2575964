/** Migrations while others work: locks that are waited for briefly, indexes built beside the work, versions that do not fit. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { migrate, SchemaRefused } from "../../../src/ledger/migrate.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices({ ownServers: true });

/** A migrated database with what a superuser's connection can see of it, and a newer version's migrations. */
async function upgrade(sqlText: string) {
  const url = await services.bareDatabase();
  await migrate(url);
  const sql = postgres(url, { onnotice: () => {} });
  const folder = mkdtempSync(join(tmpdir(), "millrace-migrations-"));
  cpSync("drizzle", folder, { recursive: true });
  const journalPath = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(journalPath, "utf8"));
  const last = journal.entries.at(-1);
  journal.entries.push({ ...last, idx: last.idx + 1, when: last.when + 1, tag: "9999_next" });
  writeFileSync(journalPath, JSON.stringify(journal));
  writeFileSync(join(folder, "9999_next.sql"), sqlText);
  onTestFinished(async () => {
    await sql.end();
    rmSync(folder, { recursive: true, force: true });
  });
  return { url, sql, folder };
}

const addColumn = `alter table requests add column extra text`;
const addIndex = `drop index concurrently if exists requests_extra;
--> statement-breakpoint
create index concurrently requests_extra on requests (created_at)`;

const hasColumn = async (sql: postgres.Sql) =>
  (await sql`select 1 from information_schema.columns where table_name = 'requests' and column_name = 'extra'`).length >
  0;

describe("a migration that needs a lock which somebody holds", () => {
  test("lets the others go on meanwhile, and is made when the lock is free", async () => {
    const { url, sql, folder } = await upgrade(addColumn);
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`lock table requests in row exclusive mode`;
    const migrated = migrate(url, { folder, lockMs: 100, pauseMs: 50, tries: 1_000 });
    await eventually("the migration waits for the table", async () => {
      const [row] = await sql`select count(*)::int as waiting from pg_locks where not granted`;
      return row?.["waiting"] > 0;
    });
    // Behind a migration that waits a select waits too: until it gives up for now, not until the lock is free.
    for (let n = 0; n < 5; n += 1) await sql`select count(*) from requests`;
    expect(await hasColumn(sql)).toBe(false);
    await holder`commit`;
    holder.release();
    await migrated;
    expect(await hasColumn(sql)).toBe(true);
  });

  test("is given up in words when the lock does not come free, and nothing is changed", async () => {
    const { url, sql, folder } = await upgrade(`create table left_behind (id int);
--> statement-breakpoint
${addColumn}`);
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`lock table requests in row exclusive mode`;
    const refused = migrate(url, { folder, lockMs: 20, pauseMs: 1, tries: 3 });
    await expect(refused).rejects.toThrow(SchemaRefused);
    await expect(refused).rejects.toThrow(/9999_next.*pg_locks/);
    await holder`rollback`;
    holder.release();
    expect((await sql`select to_regclass('left_behind') as it`)[0]).toEqual({ it: null });
    await migrate(url, { folder });
    expect(await hasColumn(sql)).toBe(true);
  });
});

describe("an index on a table in use", () => {
  test("is built concurrently, by one of many migrators, while a transaction is open", async () => {
    const { url, sql, folder } = await upgrade(addIndex);
    const writer = await sql.reserve();
    await writer`begin`;
    await writer`lock table requests in row exclusive mode`; // as one that has written
    const all = Promise.all(Array.from({ length: 4 }, () => migrate(url, { folder })));
    await eventually("the index is being built", async () => {
      const building = await sql`select 1 from pg_stat_activity where query like ${"%create index concurrently%"}
        and pid <> pg_backend_pid() and wait_event_type = 'Lock'`;
      return building.length > 0;
    });
    await writer`commit`;
    writer.release();
    await all;
    expect(await sql`select indisvalid from pg_index where indexrelid = 'requests_extra'::regclass`).toEqual([
      { indisvalid: true },
    ]);
    expect(
      (
        await sql`select count(*)::int as n from drizzle.__drizzle_migrations where created_at = (
      select max(created_at) from drizzle.__drizzle_migrations)`
      )[0],
    ).toEqual({ n: 1 });
  });
});

describe("a version and a schema that do not fit", () => {
  test("an older version starts on a newer schema, which only added", async () => {
    const { url, folder } = await upgrade(addColumn);
    await migrate(url, { folder });
    await expect(migrate(url)).resolves.toBeUndefined();
  });

  test("an older version does not start on a schema that took away what it uses, and is told so", async () => {
    const { url, folder } = await upgrade(`insert into fleet_facts (name, value) values ('schema_floor', '9999_next')`);
    await migrate(url, { folder });
    await expect(migrate(url, { folder })).resolves.toBeUndefined();
    await expect(migrate(url)).rejects.toThrow(/needs a newer millrace.*9999_next/);
  });

  test("a role without rights on the schema needs none while it is current, and is told who migrates when it is not", async () => {
    const { url, sql, folder } = await upgrade(addColumn);
    await sql`create role clerk login password 'p@ss/w:rd%'`;
    onTestFinished(async () => {
      await sql`drop owned by clerk`;
      await sql`drop role clerk`;
    });
    await sql`grant usage on schema drizzle to clerk`;
    await sql`grant select on all tables in schema drizzle, public to clerk`;
    const asClerk = new URL(url);
    asClerk.username = "clerk";
    asClerk.password = encodeURIComponent("p@ss/w:rd%");
    await migrate(asClerk.href);
    await expect(migrate(asClerk.href, { folder })).rejects.toThrow(/9999_next.*owner's DATABASE_URL/);
  });
});
