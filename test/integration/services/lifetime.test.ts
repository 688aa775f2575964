import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isRunning } from "../../../src/runtime/embedded/live-process.ts";
import { eventually, processesOf, remember, remembered, start, startUser, temporaryDirectory } from "./directory.ts";

const areRunning = (directory: string) => processesOf(directory).map(isRunning);

test("data survives a stop and a start, and a stop leaves nothing running", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await remember(first, "kept");
  await first.stop();
  expect(areRunning(directory)).toEqual([false, false]);

  const second = await start(directory);
  expect(await remembered(second)).toEqual(["kept", "kept"]);
  expect(second.databaseUrl).toBe(first.databaseUrl);
  await second.stop();
});

test("passwords are readable by the owner only, and the database asks for one", async () => {
  const directory = temporaryDirectory();
  const services = await start(directory);
  for (const file of ["services.json", "redis/redis.conf"]) {
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  }
  const { databaseAnswers } = await import("../../../src/ledger/ledger.ts");
  const wrong = new URL(services.databaseUrl);
  wrong.password = "wrong";
  expect(await databaseAnswers(wrong.href)).toBe(false);
  await services.stop();
});

test("the services run until their last user stops", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const second = await start(directory);
  expect(second.databaseUrl).toBe(first.databaseUrl);
  await first.stop();
  await first.stop();
  expect(areRunning(directory)).toEqual([true, true]);
  await second.stop();
  expect(areRunning(directory)).toEqual([false, false]);
});

test("what a killed process left running is adopted", async () => {
  const directory = temporaryDirectory();
  const user = startUser(directory);
  const addresses = await user.addresses;
  const before = processesOf(directory);
  await user.end("SIGKILL");
  expect(areRunning(directory)).toEqual([true, true]);

  const services = await start(directory);
  expect(services).toMatchObject(addresses ?? {});
  expect(processesOf(directory)).toEqual(before);
  await services.stop();
  expect(before.map(isRunning)).toEqual([false, false]);
});

test("a service that died is started again beside the one that still runs", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await remember(first, "kept");
  const [postgres, redis] = processesOf(directory);
  if (!postgres || !redis) throw new Error("not recorded");
  process.kill(postgres.pid, "SIGKILL");
  await eventually(() => !isRunning(postgres));

  const second = await start(directory);
  expect(await remembered(second)).toEqual(["kept", "kept"]);
  expect(processesOf(directory)[1]).toEqual(redis);
  expect(areRunning(directory)).toEqual([true, true]);
  await first.stop();
  await second.stop();
});

test("ten processes that start at once share one set of services", async () => {
  const directory = temporaryDirectory();
  const users = Array.from({ length: 10 }, () => startUser(directory));
  const addresses = await Promise.all(users.map((user) => user.addresses));
  expect(new Set(addresses.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(addresses[0]).toMatchObject({ databaseUrl: expect.any(String), redisUrl: expect.any(String) });
  expect(readdirSync(join(directory, "users"))).toHaveLength(10);

  await Promise.all(users.slice(1).map((user) => user.end("SIGTERM")));
  expect(areRunning(directory)).toEqual([true, true]);
  await users[0]?.end("SIGTERM");
  expect(areRunning(directory)).toEqual([false, false]);
});

test.each([
  ["it waits for its lock", "lock"],
  ["it has registered", "users"],
  ["Redis is being started", "services.json"],
  ["the database is being made", "logs/redis.log"],
  ["the database is complete", "postgres"],
  ["PostgreSQL is being started", "postgres/postmaster.pid"],
])("a kill -9 when %s does not keep the next start from working", async (_, path) => {
  const directory = temporaryDirectory();
  const user = startUser(directory);
  await eventually(() => existsSync(join(directory, path)));
  await user.end("SIGKILL");

  const services = await start(directory);
  await remember(services, "kept");
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  await services.stop();
  expect(areRunning(directory)).toEqual([false, false]);
});
