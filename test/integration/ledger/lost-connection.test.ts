/** What is asked after a connection to Postgres was lost is answered, whatever the driver had in hand when it was. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql as drizzled } from "drizzle-orm";
import type { Sql } from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { despiteAbsence, isPostgresAway } from "../../../src/ledger/interruption.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { microBatch } from "../../../src/runtime/micro-batch.ts";
import { useServices } from "../../support/services.ts";
import { type Severable, severable } from "../../support/severable.ts";

const services = useServices();
const endings = ["ended", "reset"] as const;

async function openScene() {
  const way = await severable(await services.emptyDatabase());
  const ledger = openLedger(way.url);
  onTestFinished(() => ledger.close());
  return { way, ledger };
}

/** Errors that nobody could have caught. */
function uncaught(): unknown[] {
  const thrown: unknown[] = [];
  const hear = (error: unknown) => void thrown.push(error);
  process.on("uncaughtException", hear);
  onTestFinished(() => void process.off("uncaughtException", hear));
  return thrown;
}

const errorOf = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  );

/** Every connection of the pool is busy with one of them, and each gives its own answer. */
async function expectAllAnswer(sql: Sql): Promise<void> {
  const numbers = Array.from({ length: 24 }, (_, at) => at);
  const rows = await Promise.all(numbers.map((n) => sql<{ n: number }[]>`select ${n}::int as n, pg_sleep(0.05)`));
  expect(rows.map((found) => found.map(({ n }) => n))).toEqual(numbers.map((n) => [n]));
}

async function during(way: Severable, how: (typeof endings)[number], work: PromiseLike<unknown>): Promise<unknown> {
  const error = errorOf(work);
  await sleep(20); // the statement is under way
  way.cut(how);
  const heard = await error;
  way.mend();
  return heard;
}

describe.each(endings)("a connection that is %s", (how) => {
  test("in a transaction ends that transaction, and nothing else", async () => {
    const { way, ledger } = await openScene();
    const thrown = uncaught();
    for (let turn = 0; turn < 12; turn += 1) {
      const transaction = ledger.sql.begin(async (sql) => {
        await sql`select 1`;
        await sql`select pg_sleep(60)`;
      });
      expect(isPostgresAway(await during(way, how, transaction))).toBe(true);
      await despiteAbsence({ forMs: 5_000 }, () => ledger.sql`select 1`);
    }
    await expectAllAnswer(ledger.sql);
    expect(thrown).toEqual([]);
  });

  test("under statements that follow each other without a pause is not used again", async () => {
    const { way, ledger } = await openScene();
    const ask = microBatch<number, number>({
      maxItems: 5,
      async send(items) {
        await ledger.hot`select pg_sleep(0.01)`;
        return items;
      },
    });
    for (let turn = 0; turn < 5; turn += 1) {
      await expectAllAnswer(ledger.hot);
      const asked = Promise.allSettled(Array.from({ length: 100 }, (_, at) => ask(at)));
      await during(way, how, asked);
      await despiteAbsence({ forMs: 5_000 }, () => ledger.hot`select 1`);
    }
    await expectAllAnswer(ledger.hot);
  });
});

test("what another connection has under way is answered, and drizzle reads times as it did", async () => {
  const { ledger } = await openScene();
  const { db, sql } = ledger;
  const times = async () => (await db.execute(drizzled`select now() as at`)).map((row) => typeof row["at"]);
  expect(await times()).toEqual(["string"]);
  const slow = sql`select pg_sleep(0.5), 'answered' as what`.execute();
  const doomed = errorOf(sql`select pg_sleep(60)`);
  await sleep(50); // both are under way
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'millrace' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`;
  expect(isPostgresAway(await doomed)).toBe(true);
  await expectAllAnswer(sql);
  expect((await slow)[0]?.["what"]).toBe("answered");
  await errorOf(db.execute(drizzled`select pg_terminate_backend(pg_backend_pid())`));
  expect(await times()).toEqual(["string"]);
});

test("an error of the work itself still takes the transaction back", async () => {
  const { ledger } = await openScene();
  await ledger.sql`create table kept (n int)`;
  onTestFinished(async () => void (await ledger.sql`drop table kept`));
  for (const failing of ["select 1/0", "mistake"]) {
    const failed = ledger.sql.begin(async (sql) => {
      await sql`insert into kept values (1)`;
      if (failing === "mistake") throw new Error(failing);
      await sql.unsafe(failing);
    });
    expect(await errorOf(failed)).toBeInstanceOf(Error);
  }
  expect(await ledger.sql`select * from kept`).toHaveLength(0);
});
