/** The PostgreSQL server of a test file, ended the ways servers end, and started again on its port and its data. */
import postgres from "postgres";
import { databaseAnswers } from "../../src/ledger/ledger.ts";
import { startPostgres } from "../../src/runtime/embedded/postgres.ts";
import { findPostmaster } from "../../src/runtime/embedded/postmaster.ts";
import { eventually } from "./eventually.ts";

/** As `pg_ctl stop -m` names them; `kill` leaves the backends without their postmaster. */
export type Ending = "fast" | "immediate" | "kill";

export interface PostgresServer {
  stop(how: Ending): Promise<void>;
  /** Once it answers again. */
  start(): Promise<void>;
  /** One statement on a connection of its own. */
  asSuperuser(databaseUrl: string, statement: string): Promise<void>;
}

const signals: Readonly<Record<Ending, NodeJS.Signals>> = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" };

export const postgresServerIn = (directory: string): PostgresServer => ({
  async stop(how) {
    const server = findPostmaster(directory);
    if (server === undefined) throw new Error("no PostgreSQL runs here");
    process.kill(server.process.pid, signals[how]);
    await eventually("PostgreSQL has ended", () => findPostmaster(directory) === undefined);
  },
  async start() {
    await startPostgres({ directory, say: () => {}, databaseAnswers, shared: false });
  },
  async asSuperuser(databaseUrl, statement) {
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    try {
      await sql.unsafe(statement);
    } finally {
      await sql.end();
    }
  },
});
