/**
 * What a migration may do while a fleet of the version before works on the tables (docs/operations.md, Upgrades). The
 * first three made the tables; every later one is read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const files = readdirSync("drizzle")
  .filter((name) => /^\d{4}_.*\.sql$/.test(name))
  .sort();
const read = (name: string) => readFileSync(`drizzle/${name}`, "utf8");

/** Why a statement on a table that rows are in already is not for a fleet at work; in the order in which they are looked for. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /^create (unique )?index (?!concurrently)/,
    "create the index concurrently: otherwise nobody writes while it is built",
  ],
  [/^drop index (?!concurrently)/, "drop the index concurrently"],
  [
    /^alter table .* alter column \S+ (set data )?type /,
    "a column of another type: add a new one, the whole table is written anew",
  ],
  [
    /^alter table .* alter column \S+ set not null/,
    "set not null reads the whole table under a lock: add a check that is not valid, and validate it",
  ],
  [
    /^alter table .* add column (?!.* (?:default|generated) ).* not null/,
    "not null without a default: workers of the version before do not fill it",
  ],
  [
    /^alter table .* add column .* default .*\b(random|gen_random_uuid|clock_timestamp|nextval|pg_current_xact_id)\(/,
    "a default that differs by row writes the whole table anew",
  ],
  [
    /^alter table .* add column .* (bigserial|smallserial|serial|generated)\b/,
    "a column that is filled for every row writes the whole table anew",
  ],
  [
    /^alter table .* add (constraint \S+ )?(check|foreign key|primary key|unique|exclude)(?!.* not valid)(?!.* using index)/,
    "add the constraint not valid (or using an index), and validate it",
  ],
  [
    /^(drop table|truncate|vacuum full|cluster|reindex (?!.*concurrently))/,
    "takes away or locks what the version before uses",
  ],
  [
    /^alter table .* (drop column|rename|set logged|set unlogged|set tablespace)/,
    "takes away or rewrites what the version before uses",
  ],
  [/^(update|delete from) /, "moves rows: do it in pieces, from the reconciler"],
];

/** `-- contract: VERSION` says that no worker older than this runs any more; with it a migration may take away. */
const isContract = (text: string): boolean =>
  /^-- contract: \d+\.\d+\.\d+$/m.test(text) && text.includes("schema_floor");
const takesAway = /takes away/;

/** One line for every statement that may not be. */
function complaints(text: string): string[] {
  const statements = text
    .split("--> statement-breakpoint")
    .map((statement) =>
      statement
        .replace(/^\s*--.*$/gm, "")
        .replace(/"public"\.|"/g, "")
        .replace(/\s+/g, " ")
        .trim()
        .toLowerCase(),
    )
    .flatMap((statement) => (statement.startsWith("do ") ? [statement] : statement.split(/;\s*/)))
    .filter((statement) => statement !== "");
  const own = new Set(
    statements.flatMap((statement) => /^create table (?:if not exists )?(\S+)/.exec(statement)?.[1] ?? []),
  );
  const found = statements
    .filter((statement) => !own.has(tableOf(statement) ?? ""))
    .flatMap((statement) => {
      const refusal = refusals.find(([pattern]) => pattern.test(statement));
      return refusal === undefined || (takesAway.test(refusal[1]) && isContract(text))
        ? []
        : [`${statement}: ${refusal[1]}`];
    });
  return [...found, ...concurrently(statements)];
}

const tableOf = (statement: string): string | undefined =>
  /^(?:alter table (?:if exists )?(?:only )?|drop table (?:if exists )?|update |delete from |truncate (?:table )?|create (?:unique )?index .*? on (?:only )?)([^\s(;]+)/.exec(
    statement,
  )?.[1];

/** Such a file runs outside of a transaction and may be cut anywhere: it holds nothing else, and begins each index anew. */
function concurrently(statements: readonly string[]): string[] {
  const building = statements.filter((statement) => / index concurrently /.test(statement));
  if (building.length === 0) return [];
  const alone = building.length === statements.length ? [] : ["concurrent indexes need a file of their own"];
  const names = building.flatMap(
    (statement) => /^create (?:unique )?index concurrently (?:if not exists )?(\S+)/.exec(statement)?.[1] ?? [],
  );
  const unprepared = names.filter((name) => !building.includes(`drop index concurrently if exists ${name}`));
  return [
    ...alone,
    ...unprepared.map((name) => `drop ${name} first: a build that was cut leaves an index that is not valid`),
  ];
}

test.each(files.slice(3).map((name) => [name]))("%s can be applied under a working fleet", (name) => {
  expect(complaints(read(name))).toEqual([]);
});

test("files and journal name the same migrations, in the same order", () => {
  const journal = JSON.parse(readFileSync("drizzle/meta/_journal.json", "utf8"));
  expect(journal.entries.map((entry: { tag: string }) => `${entry.tag}.sql`)).toEqual(files);
});

test.each([
  ['CREATE INDEX "i" ON "requests" USING btree ("id");', /concurrently/],
  ['CREATE UNIQUE INDEX "i" ON "public"."requests" ("id")', /concurrently/],
  ["DROP INDEX requests_due", /concurrently/],
  ['ALTER TABLE "requests" ALTER COLUMN "lane" SET DATA TYPE varchar(10);', /another type/],
  ['ALTER TABLE "requests" ALTER COLUMN "lane" TYPE varchar(10);', /another type/],
  ['ALTER TABLE "requests" ADD COLUMN "x" integer NOT NULL;', /without a default/],
  ['ALTER TABLE "requests" ADD COLUMN "x" uuid DEFAULT gen_random_uuid() NOT NULL;', /differs by row/],
  ['ALTER TABLE "requests" ADD COLUMN "x" bigserial', /filled for every row/],
  ['ALTER TABLE "requests" ALTER COLUMN "lane" SET NOT NULL;', /not valid/],
  ['ALTER TABLE "requests" ADD CONSTRAINT "c" CHECK (x > 0);', /not valid/],
  ['ALTER TABLE "requests" DROP COLUMN "lane";', /version before/],
  ['ALTER TABLE "requests" RENAME COLUMN "lane" TO "road";', /version before/],
  ["UPDATE requests SET lane = 'x'", /in pieces/],
  ["CREATE INDEX CONCURRENTLY i ON requests (id)", /not valid/],
  ["DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON requests (id); SELECT 1", /file of their own/],
])("%s is refused", (text, words) => {
  expect(complaints(text).join("\n")).toMatch(words);
});

test.each([
  'CREATE TABLE "new" ("id" uuid);\n--> statement-breakpoint\nCREATE INDEX "i" ON "new" USING btree ("id");',
  'ALTER TABLE "requests" ADD COLUMN "x" bigint;',
  'ALTER TABLE "requests" ADD COLUMN "x" boolean DEFAULT false NOT NULL;',
  'ALTER TABLE "requests" ADD CONSTRAINT "c" CHECK (x > 0) NOT VALID;\n--> statement-breakpoint\nALTER TABLE "requests" VALIDATE CONSTRAINT "c";',
  "DROP INDEX CONCURRENTLY IF EXISTS i;\n--> statement-breakpoint\nCREATE INDEX CONCURRENTLY i ON requests (id);",
  "-- contract: 0.4.0\nALTER TABLE requests DROP COLUMN x;\n--> statement-breakpoint\nINSERT INTO fleet_facts (name, value) VALUES ('schema_floor', '0009_x') ON CONFLICT (name) DO UPDATE SET value = excluded.value",
])("%s is fine", (text) => {
  expect(complaints(text)).toEqual([]);
});
