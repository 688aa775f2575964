/** A form with one file in it, held in memory. Only routes that say so take forms: a page of another site can send one. */
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Problem } from "./problem.ts";

export interface Form {
  /** Lists where a name comes more than once, or ends with `[]`, which is cut off. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly file: FormFile | undefined;
}

export interface FormFile {
  readonly name: string;
  readonly mediaType: string;
  readonly data: Buffer;
}

/** As OpenAI's; as base64 it just fits into a request. */
export const maxFileBytes = 25_000_000;
const limits = { fileSize: maxFileBytes, files: 1, fields: 100, parts: 101, fieldSize: 64 * 1024 };

/** For routes that are added to `scope` only. */
export async function takeForms(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, { limits, throwFileSizeLimit: true });
}

export type ReadForm = { readonly ok: true; readonly form: Form } | { readonly ok: false; readonly problem: Problem };

export async function readForm(request: FastifyRequest): Promise<ReadForm> {
  if (!request.isMultipart()) return { ok: false, problem: noForm };
  const fields = new Map<string, string | string[]>();
  let file: FormFile | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === "file") {
        const data = await part.toBuffer();
        if (part.fieldname === "file") file = { name: part.filename, mediaType: part.mimetype, data };
      } else {
        // A field that calls itself JSON was read as such.
        put(fields, part.fieldname, typeof part.value === "string" ? part.value : JSON.stringify(part.value));
      }
    }
  } catch (error) {
    return { ok: false, problem: formProblem(error) };
  }
  return { ok: true, form: { fields: Object.fromEntries(fields), file } };
}

function put(fields: Map<string, string | string[]>, fieldName: string, value: string): void {
  const isList = fieldName.endsWith("[]");
  const name = isList ? fieldName.slice(0, -2) : fieldName;
  const before = fields.get(name);
  if (before === undefined) fields.set(name, isList ? [value] : value);
  else fields.set(name, [...(Array.isArray(before) ? before : [before]), value]);
}

const noForm: Problem = {
  status: 415,
  type: "invalid_request_error",
  code: "unsupported_media_type",
  message: "Send a form: multipart/form-data with the sound as file.",
};

function formProblem(error: unknown): Problem {
  const isTooLong = error instanceof Error && "statusCode" in error && error.statusCode === 413;
  const message = isTooLong
    ? `A file may have ${maxFileBytes / 1_000_000} MB, and a form ${limits.fields} fields of ${limits.fieldSize / 1024} KiB.`
    : "The form cannot be read: it is cut short, or not what its content type says.";
  return isTooLong
    ? { status: 413, type: "invalid_request_error", code: "too_long", message }
    : { status: 400, type: "invalid_request_error", code: "invalid_form", message };
}
