import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isRunning } from "../../../src/runtime/embedded/live-process.ts";
import { processesOf, start, temporaryDirectory } from "./directory.ts";

test("without a Redis and a way to install one, the three ways to get one are named and nothing runs", async () => {
  const directory = temporaryDirectory();
  const redisSearch = { find: async () => undefined, aptPrefix: async () => undefined };
  await expect(start(directory, { redisSearch })).rejects.toMatchObject({
    name: "ServicesFailed",
    message: expect.stringMatching(/apt-get install redis-server[\s\S]*REDIS_URL=[\s\S]*docker compose up/),
  });
  expect(readdirSync(join(directory, "users"))).toEqual([]);
  expect(processesOf(directory).filter(isRunning)).toEqual([]);
});

test("a Redis that is too old is named with its version", async () => {
  const find = async (name: string) => (name === "redis-server" ? "/bin/echo" : undefined);
  const redisSearch = { find, aptPrefix: async () => [] };
  await expect(start(temporaryDirectory(), { redisSearch })).rejects.toThrow(/only \/bin\/echo \(unknown version\)/);
});

test("named services are used as they are and none is started", async () => {
  const directory = temporaryDirectory();
  const named = { redisUrl: "redis://redis.example:6379", databaseUrl: "postgres://db.example/millrace" };
  const services = await start(directory, named);
  await services.stop();
  expect(services).toMatchObject(named);
  expect(() => readdirSync(directory)).toThrow(/ENOENT/);
});

test("only the service that was not named is started", async () => {
  const directory = temporaryDirectory();
  const services = await start(directory, { databaseUrl: "postgres://db.example/millrace" });
  expect(services.databaseUrl).toBe("postgres://db.example/millrace");
  expect(readdirSync(directory)).not.toContain("postgres");
  expect(processesOf(directory).map(isRunning)).toEqual([true]);
  await services.stop();
  expect(processesOf(directory).map(isRunning)).toEqual([false]);
});

test("a PostgreSQL that cannot start is named with the end of its log", async () => {
  const directory = temporaryDirectory();
  await (await start(directory)).stop();
  writeFileSync(join(directory, "postgres/global/pg_control"), "damaged");
  await expect(start(directory)).rejects.toThrow(
    /PostgreSQL did not start[\s\S]*pg_control[\s\S]*postgres\.log[\s\S]*DATABASE_URL/,
  );
  expect(processesOf(directory).map(isRunning)).toEqual([false, false]);
});

test("data of another major version is refused by name, and left as it is", async () => {
  const directory = temporaryDirectory();
  await (await start(directory)).stop();
  writeFileSync(join(directory, "postgres/PG_VERSION"), "9\n");
  await expect(start(directory)).rejects.toThrow(/was written by PostgreSQL 9/);
  expect(readdirSync(directory)).toContain("postgres");
});

test("a server that others use is never ended for not answering", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const [postgres] = processesOf(directory);
  if (!postgres) throw new Error("not recorded");
  const patience = vi.spyOn(Date, "now");
  let now = 0;
  patience.mockImplementation(() => (now += 1_000));
  await expect(start(directory, { databaseAnswers: async () => false })).rejects.toThrow(/in use by other/);
  patience.mockRestore();
  expect(isRunning(postgres)).toBe(true);
  await first.stop();
  expect(isRunning(postgres)).toBe(false);
});

test("a place that cannot be a folder is a refusal with the way out", async () => {
  const directory = temporaryDirectory();
  writeFileSync(directory, "");
  await expect(start(directory)).rejects.toMatchObject({
    name: "ServicesFailed",
    message: expect.stringMatching(/cannot use .*DATABASE_URL/s),
  });
});
