/**
 * A private PostgreSQL and Redis for one test file. Every test finds them empty, so tests see nothing of each other.
 * Call `useServices()` at the top of a file.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import postgres from "postgres";
import { afterAll, beforeAll } from "vitest";
import { databaseAnswers } from "../../src/ledger/ledger.ts";
import { migrate } from "../../src/ledger/migrate.ts";
import { type Services, startServices } from "../../src/runtime/embedded/services.ts";
import { type PostgresServer, postgresServerIn } from "./postgres-server.ts";

export interface TestServices {
  /** The database of this file, with this version's tables and no rows. What used it before must be closed. */
  emptyDatabase(): Promise<string>;
  /** A new database without tables. */
  bareDatabase(): Promise<string>;
  /** The server itself, for tests that end it. From here on its commits are durable, as they are in life. */
  postgresServer(): Promise<PostgresServer>;
  /** The Redis of this file, flushed. */
  emptyRedis(): Promise<string>;
  /** A connection to it that closes with the file. */
  redis(): Promise<Redis>;
}

export function useServices(): TestServices {
  const directory = mkdtempSync(join(tmpdir(), "millrace-test-"));
  let services: Services | undefined;
  let database = "";
  let connection: Redis | undefined;
  let made = 0;

  beforeAll(async () => {
    services = await startServices({ directory: join(directory, ".millrace"), say: () => {}, databaseAnswers });
    database = await createDatabase(services.databaseUrl, "test");
    await migrate(database);
  });
  afterAll(async () => {
    connection?.disconnect();
    await services?.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  return {
    async emptyDatabase() {
      await removeRows(database);
      return database;
    },
    async postgresServer() {
      const server = postgresServerIn(join(directory, ".millrace"));
      await server.asSuperuser(started(services).databaseUrl, "alter database test reset synchronous_commit");
      return server;
    },
    bareDatabase() {
      made += 1;
      return createDatabase(started(services).databaseUrl, `bare_${made}`);
    },
    async redis() {
      connection ??= new Redis(started(services).redisUrl);
      return connection;
    },
    async emptyRedis() {
      await (await this.redis()).flushall();
      return started(services).redisUrl;
    },
  };
}

function started(services: Services | undefined): Services {
  if (services === undefined) throw new Error("services are there from the first test on, not before");
  return services;
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`create database ${name}`);
    // The server is not crashed in these tests, and they commit thousands of times.
    await sql.unsafe(`alter database ${name} set synchronous_commit = off`);
  } finally {
    await sql.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Cheaper than truncating, which makes new files for every table and index. */
async function removeRows(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
    await sql.unsafe(tables.map(({ name }) => `delete from "${name}"`).join("; "));
  } finally {
    await sql.end();
  }
}
