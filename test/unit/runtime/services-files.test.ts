import { cpSync, existsSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { majorVersion } from "../../../src/runtime/embedded/postgres-binaries.ts";
import { noteService, readRecord } from "../../../src/runtime/embedded/record.ts";
import { redisVersion } from "../../../src/runtime/embedded/redis-binary.ts";
import { knownRedis, writeRedisConfiguration } from "../../../src/runtime/embedded/redis-data.ts";
import { openServerLog } from "../../../src/runtime/embedded/server-log.ts";
import { addUser, countUsers, removeUser } from "../../../src/runtime/embedded/users.ts";
import { temporaryFolder } from "./folder.ts";

const known = { password: "secret", port: 5000, process: { pid: 1, started: "then" } };

test("what is noted of one service is read back, beside the other, by the owner only", () => {
  const directory = temporaryFolder();
  noteService(directory, "postgres", known);
  noteService(directory, "redis", { password: "other" });
  expect(readRecord(directory)).toMatchObject({ postgres: known, redis: { password: "other" } });
  expect(statSync(join(directory, "services.json")).mode & 0o777).toBe(0o600);
});

test("a copied directory keeps its passwords and forgets the ports and processes of the original", () => {
  const directory = temporaryFolder();
  const copy = temporaryFolder();
  noteService(directory, "postgres", known);
  cpSync(directory, copy, { recursive: true });
  expect(readRecord(copy).postgres).toEqual({ password: "secret" });
});

test.each(["", '{"home":', '{"home":"1:2","postgres":{"password":5}}'])("a damaged record %j is no record", (text) => {
  const directory = temporaryFolder();
  writeFileSync(join(directory, "services.json"), text);
  expect(readRecord(directory)).toEqual({ home: expect.any(String) });
});

test("a Redis without a record is known by its configuration", () => {
  const directory = temporaryFolder();
  expect(knownRedis(directory)).toBeUndefined();
  writeRedisConfiguration(directory, "secret", 5000);
  expect(knownRedis(directory)).toEqual({ password: "secret", port: 5000 });
});

test("users count while they live; those of dead processes are forgotten", () => {
  const directory = temporaryFolder();
  const first = addUser(directory);
  addUser(directory);
  writeFileSync(join(directory, "users", "4194304.gone"), "long ago");
  writeFileSync(join(directory, "users", `${process.pid}.reused`), "an earlier start");
  expect(countUsers(directory)).toBe(2);
  expect(readdirSync(join(directory, "users"))).toHaveLength(2);
  removeUser(directory, first);
  removeUser(directory, first);
  expect(countUsers(directory)).toBe(1);
});

test("the preferred port is given while it is free, another one when it is taken", async () => {
  const server = createServer();
  const port = await freePort(undefined);
  expect(await freePort(port)).toBe(port);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const other = await freePort(port);
  server.close();
  expect(other).not.toBe(port);
  expect(other).toBeGreaterThan(0);
});

test("a log quotes what was written since it was opened, and a grown one is set aside", () => {
  const path = join(temporaryFolder(), "logs", "server.log");
  const first = openServerLog(path);
  writeSync(first.descriptor, "earlier\n");
  first.close();
  const second = openServerLog(path);
  writeSync(second.descriptor, "now\n");
  second.close();
  expect(second.written()).toBe("now\n");
  expect(second.tail()).toContain("now");
  expect(second.tail()).not.toContain("earlier");

  writeFileSync(path, Buffer.alloc(10 * 1024 * 1024 + 1));
  openServerLog(path).close();
  expect(statSync(path).size).toBe(0);
  expect(existsSync(`${path}.old`)).toBe(true);
});

test.each([
  ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", [7, 0]],
  ["Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64 build=2", [8, 1]],
  ["something else", undefined],
])("the version in %j is read", (output, version) => {
  expect(redisVersion(output)).toEqual(version);
});

test.each([
  ["postgres (PostgreSQL) 18.4", "18"],
  ["postgres (PostgreSQL) 19beta1", "19"],
])("the major version in %j is read", (output, version) => {
  expect(majorVersion(output)).toBe(version);
});
