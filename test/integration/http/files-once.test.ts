/** `POST /v1/files` with an Idempotency-Key, with OpenAI's own client. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import OpenAI, { APIError, toFile } from "openai";
import { expect, test } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openaiLines } from "../../support/batch-files.ts";
import { openForm } from "../../support/form.ts";
import { openTestHttp, useHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services);
const lines = `${openaiLines(2).join("\n")}\n`;

const clientOf = () => new OpenAI({ baseURL: `${http().url}/v1`, apiKey: "any", maxRetries: 0 });
const named = (key: string) => ({ headers: { "idempotency-key": key } });

interface Wish {
  readonly content?: string;
  readonly name?: string;
  readonly purpose?: "batch" | "user_data";
  readonly seconds?: number;
}
async function upload(key: string, { content = lines, name = "in.jsonl", purpose = "batch", seconds }: Wish = {}) {
  const file = await toFile(Buffer.from(content), name);
  const expiry = seconds === undefined ? {} : { expires_after: { anchor: "created_at" as const, seconds } };
  return clientOf().files.create({ file, purpose, ...expiry }, named(key));
}

const onDisk = () => readdirSync(join(http().fleet.config.home, "files")).length;
const uuidOf = (id: string): string => id.replace("file-", "");

test("the same key and file bring the same file, however many come at once", async () => {
  const files = await Promise.all(Array.from({ length: 10 }, () => upload("ten")));
  const [first] = files;
  expect(first?.id).toMatch(/^file-/);
  for (const file of [...files, await upload("ten")]) expect(file).toEqual(first);
  expect(onDisk()).toBe(1);
  expect((await upload("eleven")).id).not.toBe(first?.id);
});

test.each<[string, Wish]>([
  ["other bytes", { content: lines.replace("1", "2") }],
  ["another name", { name: "other.jsonl" }],
  ["another purpose", { purpose: "user_data", seconds: 2_592_000 }],
  ["another end", { seconds: 3_600 }],
])("a key that comes with %s is refused, and nothing is left of it", async (_what, wish) => {
  const key = Object.entries(wish).join(" ").slice(0, 50);
  const first = await upload(key);
  const before = onDisk();
  const refused = await upload(key, wish).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(APIError);
  expect(refused).toMatchObject({ status: 422, type: "invalid_request_error", code: "idempotency_mismatch" });
  expect(onDisk()).toBe(before);
  expect(await upload(key)).toEqual(first);
});

test("whoever comes with the key while the first is still coming in has the file; the first gets it too", async () => {
  const part = "--b\r\ncontent-disposition: form-data; name=";
  const slow = openForm(http().url, "/v1/files", { "idempotency-key": "slow" });
  const before = onDisk();
  await slow.write(`${part}"file"; filename="in.jsonl"\r\n\r\n${lines.slice(0, 50)}`);
  await expect.poll(onDisk).toBe(before + 1);
  const file = await upload("slow");
  const answer = await slow.end(`${lines.slice(50)}\r\n${part}"purpose"\r\n\r\nbatch\r\n--b--\r\n`);
  expect(answer).toEqual({ status: 200, json: file });
  expect(onDisk()).toBe(before + 1);
});

test("a file that was deleted, or whose time is over, gives its key back", async () => {
  const deleted = await upload("again");
  await clientOf().files.delete(deleted.id);
  const expired = await upload("again");
  expect(expired.id).not.toBe(deleted.id);
  await http().fleet.ledger.sql`update files set expires_at = now() where id = ${uuidOf(expired.id)}::uuid`;
  const other = await upload("again", { content: lines.replace("1", "3") });
  expect(other.id).not.toBe(expired.id);
});

test("a key that is no key is refused before anything is stored", async () => {
  const before = onDisk();
  const refused = await upload("x".repeat(256)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 400, param: "Idempotency-Key" });
  expect(onDisk()).toBe(before);
});

test("the same key of two tenants brings two files", async () => {
  const { fleet, url } = await openTestHttp(services);
  const made = async (tenant: string) => {
    const { key: apiKey } = await createKey(fleet.ledger, { tenant, name: "test", scope: "use" });
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
    const file = await toFile(Buffer.from(lines), `${tenant}.jsonl`);
    return (await client.files.create({ file, purpose: "batch" }, named("shared"))).filename;
  };
  expect(await made("red")).toBe("red.jsonl");
  expect(await made("blue")).toBe("blue.jsonl");
});
