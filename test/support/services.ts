/**
 * PostgreSQL and Redis for one test file: a database of its own, and a Redis that nobody else uses meanwhile. Every test
 * finds them empty, so tests see nothing of each other. Call `useServices()` at the top of a file.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import postgres from "postgres";
import { afterAll, beforeAll, inject } from "vitest";
import { databaseAnswers } from "../../src/ledger/ledger.ts";
import { migrate } from "../../src/ledger/migrate.ts";
import { type Services, startServices } from "../../src/runtime/embedded/services.ts";
import { type PostgresServer, postgresServerIn } from "./postgres-server.ts";

export interface TestServices {
  /** The database of this file, with this version's tables and no rows. What used it before must be closed. */
  emptyDatabase(): Promise<string>;
  /** A new database without tables. */
  bareDatabase(): Promise<string>;
  /** The server itself, for tests that end it; `ownServers` only. From here on its commits are durable, as in life. */
  postgresServer(): Promise<PostgresServer>;
  /** The Redis of this file, flushed. */
  emptyRedis(): Promise<string>;
  /** A connection to it that closes with the file. */
  redis(): Promise<Redis>;
}

export interface ServicesWish {
  /** Servers of this file's own: for tests that end them, or change their settings or roles. They cost four seconds. */
  readonly ownServers?: boolean;
}

export function useServices({ ownServers = false }: ServicesWish = {}): TestServices {
  const own = ownServers ? mkdtempSync(join(tmpdir(), "millrace-test-")) : undefined;
  const directory = own === undefined ? slotFolder() : join(own, ".millrace");
  const database = `test_${randomBytes(6).toString("hex")}`;
  let services: Services | undefined;
  let databaseUrl = "";
  let cleaning: postgres.Sql | undefined;
  let connection: Redis | undefined;
  let made = 0;

  beforeAll(async () => {
    services = await startServices({ directory, say: () => {}, databaseAnswers });
    databaseUrl = await migratedDatabase(services.databaseUrl, database);
    cleaning = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  });
  afterAll(async () => {
    connection?.disconnect();
    await cleaning?.end();
    if (own === undefined) return;
    await services?.stop();
    rmSync(own, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  return {
    async emptyDatabase() {
      await removeRows(started(cleaning));
      return databaseUrl;
    },
    async postgresServer() {
      if (!ownServers) throw new Error("this file shares its servers with others");
      const server = postgresServerIn(directory);
      await server.asSuperuser(databaseUrl, `alter database ${database} reset synchronous_commit`);
      return server;
    },
    bareDatabase() {
      made += 1;
      return createDatabase(started(services).databaseUrl, `${database}_${made}`);
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

function started<Service>(service: Service | undefined): Service {
  if (service === undefined) throw new Error("services are there from the first test on, not before");
  return service;
}

/** Vitest gives a slot to one file at a time. */
const slotFolder = (): string => join(inject("servicesOfRun"), process.env["VITEST_POOL_ID"] ?? "0");

/** A database that another file of this slot, or this one, has migrated; copying it is much faster than migrating again. */
const model = "migrated";

async function migratedDatabase(serverUrl: string, name: string): Promise<string> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => {} });
  try {
    const [known] = await sql`select 1 from pg_database where datname = ${model} and datistemplate`;
    if (known === undefined) {
      await sql.unsafe(`drop database if exists ${model}`); // of a file that was ended half-way
      await migrate(await createDatabase(serverUrl, model));
      await sql.unsafe(`alter database ${model} is_template true`);
    }
  } finally {
    await sql.end();
  }
  return createDatabase(serverUrl, name, model);
}

async function createDatabase(serverUrl: string, name: string, template = "template1"): Promise<string> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`create database ${name} template ${template}`);
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
async function removeRows(sql: postgres.Sql): Promise<void> {
  const tables = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
  await sql.unsafe(tables.map(({ name }) => `delete from "${name}"`).join("; "));
}
