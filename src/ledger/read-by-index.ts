/**
 * Looks that stop counting somewhere. A bound on what is counted bounds what is read only where an index is followed: a scan
 * for what is not there reads the whole table, and the planner prefers one when it takes a small part for most of it.
 */
import type { ISql } from "postgres";
import type { Ledger } from "./ledger.ts";

/** The ledger, or one transaction of it. */
export interface Within {
  readonly sql: ISql;
}

/** `read` sees one moment, and follows indexes in their order. With `silentMs` no statement of it may take longer. */
export async function readByIndex<Value>(
  ledger: Pick<Ledger, "sql">,
  read: (within: Within) => Promise<Value>,
  silentMs?: number,
): Promise<Value> {
  const { value } = await ledger.sql.begin("isolation level repeatable read read only", async (sql) => {
    await sql`
      select set_config(name, value, true) from (values ('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'),
        ('jit', 'off')) as settings(name, value)`;
    if (silentMs !== undefined) await sql`select set_config('statement_timeout', ${String(silentMs)}, true)`;
    return { value: await read({ sql }) };
  });
  return value;
}
