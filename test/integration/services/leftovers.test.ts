import { appendFileSync, chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isRunning } from "../../../src/runtime/embedded/live-process.ts";
import {
  eventually,
  processesOf,
  read,
  recordOf,
  remember,
  remembered,
  start,
  startUser,
  temporaryDirectory,
} from "./directory.ts";

/** A directory whose services remember "kept" and are stopped. */
const stoppedDirectory = async (name?: string, mode?: number): Promise<string> => {
  const directory = temporaryDirectory(name, mode);
  const services = await start(directory);
  await remember(services, "kept");
  await services.stop();
  return directory;
};

test("ports that somebody else has taken meanwhile are left alone", async () => {
  const directory = await stoppedDirectory();
  const { postgres, redis } = recordOf(directory);
  const others = await Promise.all(
    [postgres?.port, redis?.port].map(
      (port) =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer((socket) => socket.destroy());
          server.listen(port, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const services = await start(directory);
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  expect(recordOf(directory).postgres?.port).not.toBe(postgres?.port);
  expect(recordOf(directory).redis?.port).not.toBe(redis?.port);
  await services.stop();
  for (const server of others) server.close();
});

test("a pid file whose pid another PostgreSQL has by now stops nobody", async () => {
  const directory = await stoppedDirectory();
  const other = temporaryDirectory("other");
  const neighbour = await start(other);
  const data = join(directory, "postgres");
  const pid = recordOf(other).postgres?.process?.pid;
  writeFileSync(join(data, "postmaster.pid"), `${pid}\n${data}\n1\n5432\n\n127.0.0.1\n1 1\nready   \n`);
  const services = await start(directory);
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  await services.stop();
  expect(processesOf(other).map(isRunning)).toEqual([true, true]);
  await neighbour.stop();
});

test("a data folder that was never finished is kept aside and made anew", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "postgres", "base"), { recursive: true });
  writeFileSync(join(directory, "postgres", "PG_VERSION"), "18\n");
  mkdirSync(join(directory, "postgres.new-abc", "data"), { recursive: true });
  const services = await start(directory);
  await remember(services, "kept");
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  expect(readdirSync(directory).filter((name) => name.startsWith("postgres."))).toEqual([
    expect.stringMatching(/^postgres\.incomplete-/),
  ]);
  await services.stop();
});

test("an append-only file that ends in the middle of a command is loaded", async () => {
  const directory = await stoppedDirectory();
  appendFileSync(incrementOf(directory), "*3\r\n$3\r\nSET\r\n$4\r\nha");
  const services = await start(directory);
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  await services.stop();
});

test("an append-only file that Redis cannot read is kept aside, and the ledger is untouched", async () => {
  const directory = await stoppedDirectory();
  writeFileSync(incrementOf(directory), "no command at all\r\n".repeat(10));
  const said: string[] = [];
  const services = await start(directory, { say: (line) => said.push(line) });
  await expect(remembered(services)).resolves.toEqual(["kept", null]);
  expect(said.join("\n")).toMatch(/could not start on its data; kept it/);
  await services.stop();
});

test("a lost services.json costs no data, while the services run and while they do not", async () => {
  const directory = await stoppedDirectory();
  rmSync(join(directory, "services.json"));
  const user = startUser(directory);
  await user.addresses;
  const before = processesOf(directory);
  await user.end("SIGKILL");
  writeFileSync(join(directory, "services.json"), '{"home":');

  const services = await start(directory);
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  await services.stop();
  expect([...before, ...processesOf(directory)].map(isRunning)).toEqual([false, false, false, false]);
});

test("a copy of the directory gets services of its own, while those of the original run", async () => {
  const directory = await stoppedDirectory();
  const original = await start(directory);
  const copy = temporaryDirectory("copy");
  cpSync(directory, copy, { recursive: true, verbatimSymlinks: true });
  const services = await start(copy);
  expect(services.databaseUrl).not.toBe(original.databaseUrl);
  expect(services.redisUrl).not.toBe(original.redisUrl);
  await services.stop();
  expect(await remembered(original)).toEqual(["kept", "kept"]);
  await original.stop();
});

test("a folder with a space and quotes in its name works, also after a kill -9 of the servers", async () => {
  const directory = temporaryDirectory(`a "mill's" race`);
  const first = await start(directory);
  await remember(first, "kept");
  const servers = processesOf(directory);
  for (const server of servers) process.kill(server.pid, "SIGKILL");
  await eventually(() => servers.every((server) => !isRunning(server)));
  const second = await start(directory);
  expect((await remembered(second))[0]).toBe("kept");
  await first.stop();
  await second.stop();
});

test("a moved project is found where it is now", async () => {
  const directory = await stoppedDirectory("before");
  const there = temporaryDirectory("after");
  renameSync(directory, there);
  const services = await start(there);
  expect(await remembered(services)).toEqual(["kept", "kept"]);
  await services.stop();
});

test.skipIf(process.getuid?.() !== 0)(
  "root's PostgreSQL works in a folder that its user cannot enter, and no permission is relaxed (needs root)",
  async () => {
    const directory = await stoppedDirectory("project", 0o700);
    const services = await start(directory);
    expect(await remembered(services)).toEqual(["kept", "kept"]);
    const uid = /^Uid:\s+(\d+)/m.exec(read(`/proc/${recordOf(directory).postgres?.process?.pid}/status`))?.[1];
    expect(Number(uid)).toBeGreaterThan(0);
    await services.stop();
  },
);

test.skipIf(process.getuid?.() === 0)(
  "a data folder that cannot be read is named in the error (root reads all)",
  async () => {
    const directory = await stoppedDirectory();
    chmodSync(join(directory, "postgres"), 0o000);
    await expect(start(directory)).rejects.toMatchObject({
      name: "ServicesFailed",
      message: expect.stringMatching(/postgres/),
    });
    chmodSync(join(directory, "postgres"), 0o700);
  },
);

const incrementOf = (directory: string): string => {
  const folder = join(directory, "redis", "appendonlydir");
  const name = readdirSync(folder).find((file) => file.endsWith(".incr.aof"));
  return join(folder, name ?? "no increment");
};
