/** OpenAI's `/v1/files`: uploads that are streamed to disk, and what batches made. */
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import {
  type AddedFile,
  addFile,
  addFileOnce,
  type FileView,
  fileById,
  filePage,
  type NewFile,
  removeFile,
} from "../../src/ledger/files.ts";
import type { FileStore } from "../batches/file-store.ts";
import { firstLineTrouble } from "../batches/first-line.ts";
import { publicId, uuidIn } from "../batches/public-id.ts";
import { idSchema } from "../wire/fields.ts";
import { rangeIn } from "./byte-range.ts";
import { withPatience } from "./errors.ts";
import { deleteFileDoc, listFilesDoc, readFileDoc, showFileDoc, uploadFileDoc } from "./files-doc.ts";
import { readIdempotencyKey, usedForAnother } from "./idempotency-key.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";
import { takeUpload } from "./upload.ts";

export function addFiles(app: FastifyInstance, fleet: Fleet, store: FileStore): void {
  /** Should the ledger not take it, its bytes are swept: no row tells of them. Those of a file that was there are not needed. */
  async function add(file: NewFile, key: string | undefined): Promise<AddedFile> {
    if (key === undefined) return { ok: true, file: await addFile(fleet.ledger, file), fresh: true };
    const added = await addFileOnce(fleet.ledger, file, key);
    if (!added.ok || !added.fresh) await store.remove(file.name);
    return added;
  }

  app.register(async (scope) => {
    await scope.register(multipart);

    scope.post("/v1/files", { config: { streamsBody: true, doc: uploadFileDoc } }, async (request, reply) => {
      if (!request.isMultipart()) return sendProblem(reply, noForm);
      const read = readIdempotencyKey(request.headers);
      if (!read.ok) return sendProblem(reply, read.problem);
      const uploaded = await takeUpload(request, store, fleet.config.batches.maxFileMb);
      if (!uploaded.ok) return sendProblem(reply, uploaded.problem);
      const { stored, filename, upload } = uploaded;
      if (upload.purpose === "batch") {
        const trouble = await firstLineTrouble(store, stored, filename);
        if (trouble !== undefined) {
          await store.remove(stored.name);
          return sendProblem(reply, notJsonl(trouble));
        }
      }
      const tenant = request.caller.tenant ?? fleet.config.tenant;
      const added = await withPatience(add({ id: stored.name, tenant, filename, ...upload, ...stored }, read.key));
      return added.ok ? fileJson(added.file) : sendProblem(reply, usedForAnother("file"));
    });

    scope.get("/v1/files", { config: { doc: listFilesDoc(listSchema) } }, async (request, reply) => {
      const query = listSchema.safeParse(request.query);
      if (!query.success) return sendProblem(reply, badQuery(query.error));
      const { purpose, order, limit, after } = query.data;
      const { tenant } = request.caller;
      const found = await withPatience(filePage(fleet.ledger, { tenant, purpose, order, after, limit: limit + 1 }));
      return listJson(found.slice(0, limit).map(fileJson), found.length > limit);
    });

    scope.get<ById>("/v1/files/:id", { config: { doc: showFileDoc } }, async (request, reply) => {
      const file = await find(fleet, request);
      return file === undefined ? sendProblem(reply, noFile(request.params.id)) : fileJson(file);
    });

    scope.delete<ById>("/v1/files/:id", { config: { doc: deleteFileDoc } }, async (request, reply) => {
      const file = await find(fleet, request);
      if (file === undefined) return sendProblem(reply, noFile(request.params.id));
      if ((await withPatience(removeFile(fleet.ledger, file.id))) === "inUse") return sendProblem(reply, inUse);
      await store.remove(file.name);
      return { id: publicId("file-", file.id), object: "file", deleted: true };
    });

    scope.get<ById>("/v1/files/:id/content", { config: { doc: readFileDoc } }, async (request, reply) => {
      const file = await find(fleet, request);
      if (file === undefined) return sendProblem(reply, noFile(request.params.id));
      return sendContent(request, reply, file, store);
    });
  });
}

const listSchema = z.object({
  purpose: idSchema.max(100).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z
    .string()
    .transform((id, context) => {
      const uuid = uuidIn("file-", id);
      if (uuid === undefined) context.addIssue({ code: "custom", message: "is not the id of a file" });
      return uuid;
    })
    .optional(),
});

async function find(fleet: Fleet, request: FastifyRequest<ById>): Promise<FileView | undefined> {
  const id = uuidIn("file-", request.params.id);
  return id === undefined ? undefined : withPatience(fileById(fleet.ledger, id, request.caller.tenant));
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

export const fileJson = (file: FileView) => ({
  id: publicId("file-", file.id),
  object: "file",
  bytes: file.bytes,
  created_at: seconds(file.createdAt),
  expires_at: file.expiresAt === undefined ? null : seconds(file.expiresAt),
  filename: file.filename,
  purpose: file.purpose,
  status: "processed",
  status_details: null,
});

export const listJson = <Item extends { readonly id: string }>(data: readonly Item[], hasMore: boolean) => ({
  object: "list",
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});

async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileView,
  store: FileStore,
): Promise<FastifyReply> {
  const range = rangeIn(request.headers.range, file.bytes);
  if (range === "unsatisfiable") {
    return sendProblem(reply.header("content-range", `bytes */${file.bytes}`), outOfRange);
  }
  const handle = await store.read(file.name);
  if (handle === undefined) return sendProblem(reply, noBytes);
  const { start, end } = range ?? { start: 0, end: file.bytes - 1 };
  if (range !== undefined) void reply.status(206).header("content-range", `bytes ${start}-${end}/${file.bytes}`);
  void reply
    .header("content-type", "application/octet-stream")
    .header("accept-ranges", "bytes")
    .header("content-length", end - start + 1)
    // It is saved, never rendered: what is in it is not ours to trust.
    .header("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`);
  if (file.bytes === 0) await handle.close();
  return reply.send(file.bytes === 0 ? Buffer.alloc(0) : handle.createReadStream({ start, end }));
}

const refused = (message: string, param: string | undefined, code: string | null = null): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code,
  message,
  ...(param === undefined ? {} : { param }),
});

const noForm = refused("Send the file as multipart/form-data, with the fields 'file' and 'purpose'.", undefined);

/** OpenAI's words; ours follow. */
const notJsonl = (trouble: string): Problem =>
  refused(`Invalid file format for Batch API. Must be .jsonl (${trouble})`, undefined);

export const badQuery = (error: z.ZodError): Problem => {
  const [issue] = error.issues;
  const param = String(issue?.path[0] ?? "");
  return refused(`Invalid value for '${param}': ${issue?.message}`, param, "invalid_value");
};

export const noFile = (id: string): Problem => ({
  status: 404,
  type: "invalid_request_error",
  code: null,
  message: `No such File object: ${id.slice(0, 100)}`,
  param: "id",
});

const inUse: Problem = {
  status: 409,
  type: "invalid_request_error",
  code: "file_in_use",
  message: "A batch still reads this file. Cancel the batch, or remove the file later.",
};

const outOfRange: Problem = {
  status: 416,
  type: "invalid_request_error",
  code: "range_not_satisfiable",
  message: "The file is not as long as that.",
};

const noBytes: Problem = {
  status: 404,
  type: "not_found_error",
  code: "content_missing",
  message: "This server does not have the bytes of the file: servers of one ledger must share MILLRACE_HOME/files.",
};
