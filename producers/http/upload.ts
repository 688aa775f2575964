/**
 * A file that comes as a form, taken to disk as it arrives. Clients send the bytes before they say what they are for, so the
 * longest file of any purpose is taken before its own bound is known.
 */
import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { FileStore, Incoming, StoredBytes } from "../batches/file-store.ts";
import type { Problem } from "./problem.ts";
import { megabytes, mostBytes, type Upload, uploadSchema } from "./upload-fields.ts";

export type Uploaded =
  | { readonly ok: true; readonly stored: StoredBytes; readonly filename: string; readonly upload: Upload }
  | { readonly ok: false; readonly problem: Problem };

/** Rejects when the connection breaks off or the disk does not take it; then, too, nothing is left behind. */
export async function takeUpload(request: FastifyRequest, store: FileStore, batchMb: number): Promise<Uploaded> {
  const fields = new Map<string, string>();
  let taken: { readonly incoming: Incoming; readonly filename: string; readonly tooLong: boolean } | undefined;
  try {
    for await (const part of request.parts({ limits: { fileSize: Number.POSITIVE_INFINITY, fields: 20, files: 4 } })) {
      if (part.type === "field") fields.set(part.fieldname, textOf(part));
      else if (part.fieldname !== "file" || taken !== undefined) part.file.resume();
      else taken = await take(part, store, mostBytes(fields.get("purpose"), batchMb));
    }
    const read = readUpload(fields, taken, batchMb);
    if (!read.ok || taken === undefined) {
      await taken?.incoming.discard();
      return read.ok ? refuse(missing("file")) : read;
    }
    return { ok: true, stored: await taken.incoming.finish(), filename: taken.filename, upload: read.upload };
  } catch (error) {
    await taken?.incoming.discard();
    throw error;
  }
}

/** A client hears an answer once it has sent what it wanted to; so much that is too long is let pass unheeded. */
const heardOutBytes = 2 * 1_024 * 1_024 * 1_024;

async function take(part: MultipartFile, store: FileStore, most: number) {
  const incoming = await store.begin();
  let passed = 0;
  try {
    for await (const chunk of part.file) {
      passed += chunk.length;
      if (passed > heardOutBytes) throw new Error("an upload does not end");
      if (incoming.bytes <= most) await incoming.write(chunk);
    }
  } catch (error) {
    await incoming.discard();
    throw error;
  }
  // Postgres text holds neither control characters nor halves of pairs.
  const filename = part.filename.replaceAll(/[\p{Cc}\p{Cs}]/gu, "");
  return { incoming, filename, tooLong: incoming.bytes > most };
}

const textOf = ({ value }: Exclude<Multipart, MultipartFile>): string => (typeof value === "string" ? value : "");

type Taken = Awaited<ReturnType<typeof take>>;
type Read = { readonly ok: true; readonly upload: Upload } | Extract<Uploaded, { ok: false }>;

function readUpload(fields: ReadonlyMap<string, string>, taken: Taken | undefined, batchMb: number): Read {
  if (taken === undefined) return refuse(missing("file"));
  if (!fields.has("purpose")) return refuse(missing("purpose"));
  const upload = uploadSchema.safeParse(Object.fromEntries(fields));
  if (!upload.success) {
    const [issue] = upload.error.issues;
    const param = String(issue?.path[0] ?? "");
    return refuse(invalid(`Invalid value for '${param}': ${issue?.message}.`, param, "invalid_value"));
  }
  const most = mostBytes(upload.data.purpose, batchMb);
  if (taken.tooLong || taken.incoming.bytes > most) return refuse(tooLong(most));
  return { ok: true, upload: upload.data };
}

const refuse = (problem: Problem): Extract<Uploaded, { ok: false }> => ({ ok: false, problem });

const invalid = (message: string, param: string | undefined, code: string | null): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code,
  message,
  ...(param === undefined ? {} : { param }),
});

const missing = (param: string): Problem =>
  invalid(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");

const tooLong = (most: number): Problem => ({
  ...invalid(`The file is longer than ${megabytes(most)} MB.`, "file", "file_too_large"),
  status: 413,
});
