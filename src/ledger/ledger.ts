/** The connection to the ledger. Every file of this folder takes a `Ledger`; nobody else speaks SQL. */
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import { arrayTypes } from "./array-encoding.ts";
import { openDatabase } from "./database-client.ts";

export interface Ledger {
  /** Statements written by hand. */
  readonly sql: postgres.Sql;
  /**
   * The same, for the two statements of every request (claim, record): planned once per connection, for planning them
   * anew costs as much as running them, and always by primary key, for a plan made while the table was small would scan it.
   */
  readonly hot: postgres.Sql;
  /** For the rest, typed by the schema. */
  readonly db: PostgresJsDatabase;
  close(): Promise<void>;
}

export interface LedgerOptions {
  /** Connections. Measured: a pool of 10 is faster than 20 or 40 under load, for writes are grouped. */
  readonly connections?: number;
}

const byPrimaryKey = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
};

/** Opens lazily: nothing is sent before the first query. Reconnects within 200 ms steps, not postgres.js' growing ones. */
export function openLedger(databaseUrl: string, options: LedgerOptions = {}): Ledger {
  const settings = {
    max: options.connections ?? 10,
    onnotice: () => {},
    backoff: () => 0.2,
    silenceMs: 120_000,
    connect_timeout: 10,
    connection: { application_name: "millrace" },
    fetch_types: false,
    types: arrayTypes,
  };
  const sql = openDatabase(databaseUrl, settings);
  const hotSettings = {
    ...settings,
    max: 4,
    // By primary key: only a lock can keep one waiting.
    silenceMs: 30_000,
    connection: { ...settings.connection, ...byPrimaryKey },
  };
  const hot = openDatabase(databaseUrl, hotSettings);
  // drizzle changes the parsers of the client it is given (times become strings), so it has its own small one.
  const typed = openDatabase(databaseUrl, { ...settings, max: 2 });
  return {
    sql,
    hot,
    db: drizzle(typed),
    close: async () => {
      await Promise.all([sql, hot, typed].map((client) => client.end({ timeout: 5 })));
    },
  };
}

/** Why nothing can be written, as far as the server knows; undefined: it can. Rejects when Postgres is away. */
export async function readOnlyReason(ledger: Pick<Ledger, "sql">): Promise<string | undefined> {
  const [row] = await ledger.sql<{ standby: boolean; read_only: boolean }[]>`
    select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only`;
  if (row?.standby === true) return "it is a standby";
  return row?.read_only === true ? "transactions are read only" : undefined;
}

/** True when the database accepts a connection and answers. */
export async function databaseAnswers(databaseUrl: string): Promise<boolean> {
  const sql = openDatabase(databaseUrl, { max: 1, connect_timeout: 3, onnotice: () => {}, fetch_types: false });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
