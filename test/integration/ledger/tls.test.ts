/** DATABASE_URL's sslmode against a real PostgreSQL with a certificate of an authority of the test's own. */
import { chmodSync, chownSync, copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { migrate } from "../../../src/ledger/migrate.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { useServices } from "../../support/services.ts";

const services = useServices({ ownServers: true });
const certificates = makeCertificates("localhost");
let reason: string | undefined;

/** The server reads its key anew on a reload, and only from its own user. */
beforeAll(async () => {
  if (certificates === undefined) {
    reason = "there is no openssl to make certificates with";
    return;
  }
  const sql = postgres(await services.emptyDatabase(), { max: 1 });
  try {
    const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`;
    const folder = row?.folder ?? "";
    for (const [from, name] of [
      [certificates.cert, "server.crt"],
      [certificates.key, "server.key"],
    ] as const) {
      const path = join(folder, name);
      copyFileSync(from, path);
      const { uid, gid } = statSync(folder);
      chownSync(path, uid, gid);
      chmodSync(path, 0o600);
    }
    await sql`alter system set ssl = on`;
    await sql`select pg_reload_conf()`;
  } catch (error) {
    reason = `this PostgreSQL has no TLS: ${error instanceof Error ? error.message : error}`;
  } finally {
    await sql.end();
  }
});

beforeEach(({ skip }) => skip(reason !== undefined, reason));

async function isEncrypted(query: string, host = "localhost"): Promise<boolean> {
  const url = new URL(await services.emptyDatabase());
  url.hostname = host;
  const ledger = openLedger(`${url.href}?${query}`);
  onTestFinished(() => ledger.close());
  const ask = async (sql: postgres.Sql) => {
    const [row] = await sql<{ ssl: boolean }[]>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    return row?.ssl ?? false;
  };
  const [some, hot] = await Promise.all([ask(ledger.sql), ask(ledger.hot)]);
  expect(hot).toBe(some);
  await migrate(`${url.href}?${query}`);
  return some;
}

const ca = `sslrootcert=${certificates?.ca}`;

test("sslmode disable and no sslmode send plain text", async () => {
  expect(await isEncrypted("sslmode=disable")).toBe(false);
  expect(await isEncrypted("application_name=x")).toBe(false);
});

test.each([
  ["sslmode=require", "127.0.0.1"],
  ["sslmode=prefer", "127.0.0.1"],
  [`sslmode=require&${ca}`, "127.0.0.1"],
  [`sslmode=verify-ca&${ca}`, "127.0.0.1"],
  [`sslmode=verify-full&${ca}`, "localhost"],
  [ca, "localhost"],
])("%s encrypts every connection to %s", async (query, host) => {
  if (reason !== undefined) return;
  expect(await isEncrypted(query, host)).toBe(true);
});

test.each([
  ["sslmode=verify-full", "localhost", /certificate/],
  [`sslmode=verify-full&${ca}`, "127.0.0.1", /IP: 127\.0\.0\.1 is not in the cert/],
  [`sslmode=verify-ca&sslrootcert=${certificates?.strangerCa}`, "localhost", /certificate/],
  ["sslmode=verify-full&sslrootcert=/not/there.pem", "localhost", /\/not\/there\.pem, which cannot be read/],
])("%s refuses %s", async (query, host, words) => {
  await expect(isEncrypted(query, host)).rejects.toThrow(words);
});
