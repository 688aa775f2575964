/**
 * A private PostgreSQL and Redis for one test file. Every test takes databases of its own on them, so tests see nothing
 * of each other. Call `useServices()` at the top of a file.
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

export interface TestServices {
  /** A new database, with this version's tables unless `empty`. */
  newDatabase(options?: { readonly empty?: boolean }): Promise<string>;
  /** One of Redis' numbered databases, flushed. There are fifteen: a sixteenth test gets the first one again. */
  newRedis(): Promise<string>;
}

const template = "millrace_template";

export function useServices(): TestServices {
  const directory = mkdtempSync(join(tmpdir(), "millrace-test-"));
  let services: Services | undefined;
  let made = 0;
  let taken = 0;

  beforeAll(async () => {
    services = await startServices({ directory: join(directory, ".millrace"), say: () => {}, databaseAnswers });
    await migrate(await createDatabase(started(services).databaseUrl, template));
  });
  afterAll(async () => {
    await services?.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  return {
    newDatabase: ({ empty = false } = {}) => {
      made += 1;
      return createDatabase(started(services).databaseUrl, `test_${made}`, empty ? undefined : template);
    },
    async newRedis() {
      taken += 1;
      const url = new URL(started(services).redisUrl);
      url.pathname = `/${1 + ((taken - 1) % 15)}`;
      const redis = new Redis(url.href);
      await redis.flushdb();
      redis.disconnect();
      return url.href;
    },
  };
}

function started(services: Services | undefined): Services {
  if (services === undefined) throw new Error("services are there from the first test on, not before");
  return services;
}

async function createDatabase(serverUrl: string, name: string, from?: string): Promise<string> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`create database ${name}${from === undefined ? "" : ` template ${from}`}`);
  } finally {
    await sql.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
