import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { isPostgresAway } from "../../../src/ledger/interruption.ts";
import { databaseAnswers, openLedger } from "../../../src/ledger/ledger.ts";
import { openSockets } from "../../../src/ledger/socket.ts";
import { openTestLedger } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** A way to the database that hears everything that is asked. */
async function overheard(databaseUrl: string) {
  const heard: string[] = [];
  const { hostname, port } = new URL(databaseUrl);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.on("data", (bytes) => heard.push(bytes.toString("latin1"))).on("error", () => {});
    far.on("error", () => {});
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server's address is never a string
  return { url: url.href, heard };
}

test("a new connection asks nothing of its own: were it cut just then, nobody would hear the rejection", async () => {
  const { url, heard } = await overheard(await services.emptyDatabase());
  const ledger = openLedger(url);
  onTestFinished(() => ledger.close());
  await Promise.all([ledger.sql`select 1`, ledger.hot`select 1`, databaseAnswers(url)]);
  expect(heard.join("")).toContain("select 1");
  expect(heard.join("")).not.toContain("pg_type");
});

test.each([
  ["text", ["a", "", "NULL", 'say "hi"', "\\", "{a,b}", "é😀", "\n"]],
  ["text", [null, "a", null]],
  ["text", []],
  ["uuid", ["0190f3c1-0000-7000-8000-000000000000"]],
  ["int", [1, -2, 2_147_483_647]],
  ["bigint", ["9223372036854775807"]],
  ["float8", [0.1, 1e300]],
])("an array of %s arrives as it was sent: %j", async (type, values) => {
  const ledger = await openTestLedger(services);
  const [row] = await ledger.sql`select to_json(${values}::${ledger.sql.unsafe(type)}[])::text as got`;
  expect(JSON.parse(row?.["got"])).toEqual(values.map((value) => (type === "bigint" ? Number(value) : value)));
});

test("arrays of numbers are read as they are written", async () => {
  const ledger = await openTestLedger(services);
  const [row] = await ledger.sql`select array[1, null, 3]::bigint[] as numbers, '{}'::bigint[] as none`;
  expect(row).toEqual({ numbers: ["1", null, "3"], none: [] });
});

test("a connection that is closed before it was ready is an error, not a wait without end", async () => {
  const server = createServer((near) => void near.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const ledger = openLedger(`postgres://m:m@127.0.0.1:${(server.address() as AddressInfo).port}/m`);
  onTestFinished(() => ledger.close());
  const away = await ledger.sql`select 1`.catch((error: unknown) => error);
  expect(isPostgresAway(away)).toBe(true);
});

test("a statement whose answer never comes ends with its connection; a quiet connection is left alone", async () => {
  const { hostname, port } = new URL(await services.emptyDatabase());
  const open = openSockets({ tls: false, agreeMs: 1_000, silenceMs: 200 });
  const socket = await open({ host: [hostname], port: [Number(port)] });
  onTestFinished(() => void socket.destroy());
  await once(socket, "timeout");
  expect(socket.destroyed).toBe(false);
  socket.write("\0\0"); // half of a length
  expect(isPostgresAway((await once(socket, "error"))[0])).toBe(true);
  expect(socket.destroyed).toBe(true);
});
