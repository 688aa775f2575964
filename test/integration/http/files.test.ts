/** `/v1/files`, with OpenAI's own client. */
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import OpenAI, { BadRequestError, NotFoundError, toFile } from "openai";
import { describe, expect, test } from "vitest";
import { openFileStore } from "../../../producers/batches/file-store.ts";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { knownNames } from "../../../src/ledger/files.ts";
import { openPruning } from "../../../src/ledger/retention.ts";
import { openaiLines } from "../../support/batch-files.ts";
import { openForm } from "../../support/form.ts";
import { openTestHttp, type TestHttp } from "../../support/http.ts";
import { expectOpenai } from "../../support/openai-batch-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const part = "--b\r\ncontent-disposition: form-data; name=";
const fileHead = `${part}"file"; filename="in.jsonl"\r\n\r\n`;
const text = (count: number): string =>
  openaiLines(count)
    .map((line) => `${line}\n`)
    .join("");

const clientOf = ({ url }: TestHttp, apiKey = "any") => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

async function openDesk() {
  const http = await openTestHttp(services);
  const client = clientOf(http);
  const upload = async (content = text(2), name = "in.jsonl") =>
    client.files.create({ file: await toFile(Buffer.from(content), name), purpose: "batch" });
  const onDisk = () => {
    try {
      return readdirSync(join(http.fleet.config.home, "files"));
    } catch {
      return [];
    }
  };
  return { ...http, client, upload, onDisk };
}

describe("an upload", () => {
  test("answers at once with the file, processed, and expires after thirty days", async () => {
    const { client, upload, onDisk } = await openDesk();
    const content = text(3);
    const { data, response } = await client.files
      .create({ file: await toFile(Buffer.from(content), "in.jsonl"), purpose: "batch" })
      .withResponse();
    expectOpenai("OpenAIFile", data);
    expect(data).toMatchObject({
      object: "file",
      bytes: Buffer.byteLength(content),
      filename: "in.jsonl",
      purpose: "batch",
      status: "processed",
      status_details: null,
      expires_at: data.created_at + 2_592_000,
    });
    expect(data.id).toMatch(/^file-[0-9a-f]{32}$/);
    expect(response.headers.get("x-request-id")).toBeTruthy();
    expect((await client.files.waitForProcessing(data.id)).id).toBe(data.id);
    expect(await client.files.retrieve(data.id)).toEqual(data);
    expect(await (await client.files.content(data.id)).text()).toBe(content);
    expect((await upload()).id).not.toBe(data.id);
    expect(onDisk()).toHaveLength(2);
  });

  test("keeps its file as long as it says, and for ever where it is not for a batch", async () => {
    const { client } = await openDesk();
    const file = async () => toFile(Buffer.from(text(1)), "in.jsonl");
    const hour = await client.files.create({
      file: await file(),
      purpose: "batch",
      expires_after: { anchor: "created_at", seconds: 3_600 },
    });
    expect(hour.expires_at).toBe(hour.created_at + 3_600);
    const own = await client.files.create({ file: await toFile(Buffer.from("a picture"), "a.png"), purpose: "vision" });
    expect(own).toMatchObject({ purpose: "vision", expires_at: null });
    const refused = client.files.create({
      file: await file(),
      purpose: "batch",
      expires_after: { anchor: "created_at", seconds: 60 },
    });
    await expect(refused).rejects.toMatchObject({ status: 400, param: "expires_after[seconds]" });
  });

  test.each([
    ["a name that says something else", "in.csv", text(1)],
    ["nothing in it", "in.jsonl", ""],
    ["a first line that is not JSON", "in.jsonl", "custom_id,prompt\n"],
    ["blank lines only", "in.jsonl", "\n \n"],
  ])("with %s is refused and leaves nothing behind", async (_what, name, content) => {
    const { upload, onDisk } = await openDesk();
    const refused = await upload(content, name).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadRequestError);
    expect(refused).toMatchObject({ type: "invalid_request_error", param: null, code: null });
    expect(String(refused)).toContain("Invalid file format for Batch API. Must be .jsonl");
    expect(onDisk()).toEqual([]);
  });

  test("lacks nothing: file and purpose are asked for, and purposes are known ones", async () => {
    const { url, onDisk } = await openDesk();
    const send = async (fields: Readonly<Record<string, string | Blob>>) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) {
        if (typeof value === "string") form.append(name, value);
        else form.append(name, value, "in.jsonl");
      }
      const answer = await fetch(`${url}/v1/files`, { method: "POST", body: form });
      return { status: answer.status, json: await answer.json() };
    };
    const file = new Blob([text(1)]);
    const missing = (param: string) => ({
      status: 400,
      json: {
        error: { message: `Missing required parameter: '${param}'.`, code: "missing_required_parameter", param },
      },
    });
    expect(await send({ purpose: "batch" })).toMatchObject(missing("file"));
    expect(await send({ file })).toMatchObject(missing("purpose"));
    const odd = await send({ file, purpose: "mischief" });
    expect(odd).toMatchObject({ status: 400, json: { error: { code: "invalid_value", param: "purpose" } } });
    expectOpenai("ErrorResponse", odd.json);
    expect(
      (await fetch(`${url}/v1/files`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } }))
        .status,
    ).toBe(400);
    expect(onDisk()).toEqual([]);
  });

  test("that breaks off leaves nothing behind", async () => {
    const { url, onDisk } = await openDesk();
    const sending = openForm(url);
    await sending.write(fileHead);
    await sending.write(Buffer.from(text(200)));
    await expect.poll(onDisk).toHaveLength(1);
    sending.leave();
    await expect.poll(onDisk).toEqual([]);
  });

  test("of more than 200 MB for a batch is refused with 413 and leaves nothing behind; 200 MB are taken", async () => {
    const { url, onDisk } = await openDesk();
    const line = Buffer.from(`${(openaiLines(1)[0] ?? "").padEnd(1_024 * 1_024 - 1, " ")}\n`);
    const send = async (megabytes: number) => {
      const sending = openForm(url);
      await sending.write(fileHead);
      for (let at = 0; at < megabytes; at += 1) await sending.write(line);
      return sending.end(`\r\n${part}"purpose"\r\n\r\nbatch\r\n--b--\r\n`);
    };
    const [most, more] = [await send(200), await send(201)];
    expect(most).toMatchObject({ status: 200, json: { bytes: 200 * 1_024 * 1_024 } });
    expect(more).toMatchObject({ status: 413, json: { error: { code: "file_too_large" } } });
    expect(onDisk()).toHaveLength(1);
  });
});

describe("files", () => {
  test("are listed newest first, page by page, by purpose and in either order", async () => {
    const { client, upload, get } = await openDesk();
    const ids: string[] = [];
    for (let at = 0; at < 5; at += 1) ids.push((await upload()).id);
    const other = await client.files.create({ file: await toFile(Buffer.from("x"), "x.txt"), purpose: "user_data" });
    const listed: string[] = [];
    for await (const file of client.files.list({ limit: 2, purpose: "batch" })) listed.push(file.id);
    expect(listed).toEqual([...ids].reverse());
    const rising = await client.files.list({ order: "asc", after: ids[3] ?? "", limit: 10 });
    expect(rising.data.map(({ id }) => id)).toEqual([ids[4], other.id]);
    const page = await get("/v1/files?limit=2");
    expectOpenai("ListFilesResponse", page.json);
    expect(page.json).toMatchObject({ has_more: true, first_id: other.id, last_id: ids[4] });
    expect((await get("/v1/files?limit=0")).json.error).toMatchObject({ code: "invalid_value", param: "limit" });
    expect((await get("/v1/files?after=nonsense")).status).toBe(400);
  });

  test("are deleted with their bytes, and unknown ones are answered with 404", async () => {
    const { client, upload, onDisk } = await openDesk();
    const { id } = await upload();
    const deleted = await client.files.delete(id);
    expectOpenai("DeleteFileResponse", deleted);
    expect(deleted).toEqual({ id, object: "file", deleted: true });
    expect(onDisk()).toEqual([]);
    for (const way of ["retrieve", "delete", "content"] as const) {
      await expect(client.files[way](id)).rejects.toBeInstanceOf(NotFoundError);
    }
    await expect(client.files.retrieve("file-nonsense")).rejects.toBeInstanceOf(NotFoundError);
  });

  test("are read in ranges", async () => {
    const { upload, get } = await openDesk();
    const { id, bytes } = await upload();
    const part = await get(`/v1/files/${id}/content`, { range: "bytes=2-5" });
    expect({ status: part.status, text: part.text }).toEqual({ status: 206, text: text(2).slice(2, 6) });
    expect(part.headers.get("content-range")).toBe(`bytes 2-5/${bytes}`);
    expect((await get(`/v1/files/${id}/content`, { range: "bytes=-4" })).text).toBe(text(2).slice(-4));
    expect((await get(`/v1/files/${id}/content`, { range: `bytes=${bytes}-` })).status).toBe(416);
  });

  test("belong to their tenant", async () => {
    const desk = await openDesk();
    const key = async (tenant: string) =>
      (await createKey(desk.fleet.ledger, { tenant, name: tenant, scope: "use" })).key;
    const [mine, others] = [clientOf(desk, await key("a")), clientOf(desk, await key("b"))];
    const file = await mine.files.create({ file: await toFile(Buffer.from(text(1)), "in.jsonl"), purpose: "batch" });
    expect((await mine.files.list()).data).toHaveLength(1);
    expect((await others.files.list()).data).toEqual([]);
    for (const way of ["retrieve", "delete", "content"] as const) {
      await expect(others.files[way](file.id)).rejects.toBeInstanceOf(NotFoundError);
    }
  });

  test("whose time is over are gone, at last from the disk too, with what crashes left there", async () => {
    const { client, upload, fleet, onDisk } = await openDesk();
    const [old, young] = [await upload(), await upload()];
    const store = openFileStore(fleet.config.home);
    const crashed = await store.begin();
    await crashed.write(Buffer.from("half of a"));
    await fleet.ledger.sql`
      update files set expires_at = now() - interval '1 second' where replace(id::text, '-', '') = ${old.id.slice(5)}`;
    await expect(client.files.retrieve(old.id)).rejects.toBeInstanceOf(NotFoundError);
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([young.id]);
    expect(await openPruning(fleet.ledger, fleet.config).step()).toMatchObject({ files: 1 });
    const sweep = () => store.sweep((names) => knownNames(fleet.ledger, names));
    expect(await sweep()).toBe(0); // what is young may still be written
    for (const name of onDisk()) utimesSync(store.path(name), 0, 0);
    expect(await sweep()).toBe(2);
    expect(onDisk()).toHaveLength(1);
    expect(await (await client.files.content(young.id)).text()).toBe(text(2));
  });
});
