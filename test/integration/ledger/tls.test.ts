/** DATABASE_URL's sslmode against a real PostgreSQL with a certificate of an authority of the test's own. */
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, readFileSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import postgres from "postgres";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../../src/ledger/database-client.ts";
import { despiteAbsence, isPostgresAway } from "../../../src/ledger/interruption.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { migrate } from "../../../src/ledger/migrate.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

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
  const asked = await Promise.allSettled([ask(ledger.sql), ask(ledger.hot)]); // closing waits for who is still on the way
  const [some, hot] = asked.map((one) => (one.status === "fulfilled" ? one.value : one.reason));
  if (some instanceof Error) throw some;
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

test("a statement whose answer never comes ends with its encrypted connection; a quiet one is left alone", async () => {
  const sql = openDatabase(`${await services.emptyDatabase()}?sslmode=require`, { max: 1, silenceMs: 300 });
  onTestFinished(() => sql.end({ timeout: 1 }));
  const backend = async () => (await sql`select pg_backend_pid() as pid`)[0]?.["pid"];
  const first = await backend();
  await sleep(700); // longer than the silence that a statement is given
  expect(await backend()).toBe(first);
  expect(isPostgresAway(await sql`select pg_sleep(60)`.catch((error: unknown) => error))).toBe(true);
  expect(await backend()).not.toBe(first);
});

test("an encrypted connection that is closed before it was ready is an error, not a wait without end", async () => {
  const [key, cert] = [certificates?.key ?? "", certificates?.cert ?? ""].map((path) => readFileSync(path));
  const server = createServer((near) => {
    near
      .on("error", () => {})
      .once("data", () => {
        near.write("S");
        const secure = new TLSSocket(near, { isServer: true, key, cert });
        secure.on("error", () => {}).once("data", () => void secure.end());
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const ledger = openLedger(`postgres://m:m@127.0.0.1:${(server.address() as AddressInfo).port}/m?sslmode=require`);
  onTestFinished(() => ledger.close());
  expect(isPostgresAway(await ledger.sql`select 1`.catch((error: unknown) => error))).toBe(true);
});

test("an encrypted connection that was lost is not used again", async () => {
  const way = await severable(await services.emptyDatabase());
  const ledger = openLedger(`${way.url}?sslmode=require`);
  onTestFinished(() => ledger.close());
  for (let turn = 0; turn < 5; turn += 1) {
    const asked = Promise.allSettled(Array.from({ length: 100 }, () => ledger.hot`select pg_sleep(0.01)`));
    await sleep(20); // some are under way
    way.cut("reset");
    await asked;
    way.mend();
    await despiteAbsence({ forMs: 5_000 }, () => ledger.hot`select 1`);
  }
  const numbers = Array.from({ length: 24 }, (_, at) => at);
  const rows = await Promise.all(numbers.map((n) => ledger.hot<{ n: number }[]>`select ${n}::int as n`));
  expect(rows.map((found) => found.map(({ n }) => n))).toEqual(numbers.map((n) => [n]));
});

test("a Postgres that does not encrypt is refused where that was asked for, and taken where it was preferred", async () => {
  const server = createServer((near) => void near.on("error", () => {}).once("data", () => void near.write("N")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const ask = (mode: string) => {
    const sql = openDatabase(`postgres://m:m@127.0.0.1:${(server.address() as AddressInfo).port}/m?sslmode=${mode}`, {
      max: 1,
      silenceMs: 100,
    });
    onTestFinished(() => sql.end({ timeout: 1 }));
    return sql`select 1`;
  };
  await expect(ask("require")).rejects.toThrow(/does not encrypt/);
  await expect(ask("prefer")).rejects.toThrow(/no answer in 100 ms/); // it was sent the login, and says nothing more
});
