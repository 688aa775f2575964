import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRecordLine, recordLine } from "../../../src/ledger/record.ts";
import { openSpool } from "../../../src/ledger/spool.ts";
import { workFolder } from "../../support/cli.ts";
import { call, result } from "../../support/ledger.ts";

const token = "0190f3c1-0000-7000-8000-000000000001";
const input = {
  requestId: "0190f3c1-0000-7000-8000-000000000002",
  leaseToken: token,
  tenant: "t",
  batchId: undefined,
  dispatchNo: 1,
  attemptNo: 1,
  event: "succeed",
  spent: true,
  result: { ...result, text: "two\nlines\u2028and more" },
  attempt: call(),
} as const;

test("what was written is read as it was, oldest file first, and gone once it is removed", async () => {
  const spool = openSpool(join(workFolder(), "deep", "spool"));
  await spool.write(["1", "2"]);
  await spool.write(["3"]);
  const files = await spool.files();
  expect(await Promise.all(files.map(spool.read))).toEqual([["1", "2"], ["3"]]);
  for (const file of files) await spool.remove(file);
  expect(await spool.files()).toEqual([]);
  expect(await spool.read(files[0] ?? "")).toEqual([]);
});

test("only its owner may read it", async () => {
  const folder = join(workFolder(), "spool");
  await openSpool(folder).write(["an answer"]);
  const [file = ""] = readdirSync(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
});

test("a file that was not finished, or was set aside, is not there", async () => {
  const folder = join(workFolder(), "spool");
  const spool = openSpool(folder);
  await spool.write(["1"]);
  const [file = ""] = await spool.files();
  await spool.setAside(file);
  writeFileSync(join(folder, "0190.part"), "half of a li");
  expect(await spool.files()).toEqual([]);
  expect(readFileSync(join(folder, `${file}.refused`), "utf8")).toBe("1\n");
});

test("a folder that is not there holds nothing; one that cannot be written says so and leaves nothing behind", async () => {
  const folder = join(workFolder(), "spool");
  expect(await openSpool(folder).files()).toEqual([]);
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "");
  await expect(openSpool(join(folder, "file")).write(["1"])).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("a record is one line, and comes back as it was; damage is noticed", () => {
  const line = recordLine(input);
  expect(line.json).not.toContain("\n");
  expect(readRecordLine(line.json)).toEqual(line);
  expect(line.token).toBe(token);
  expect(readRecordLine(line.json.slice(0, -9))).toBeUndefined();
  expect(readRecordLine('{"token":"x"}')).toBeUndefined();
});
