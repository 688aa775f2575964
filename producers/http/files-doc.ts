/** What the routes of files say of themselves. */
import { z } from "zod";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";
import { uploadPurposes } from "./upload-fields.ts";

const group = "Files";
const seconds = z.int();

const file = z
  .strictObject({
    id: z.string(),
    object: z.literal("file"),
    bytes: z.int(),
    created_at: seconds,
    expires_at: seconds.nullable(),
    filename: z.string(),
    purpose: z.string(),
    status: z.literal("processed"),
    status_details: z.null(),
  })
  .meta({ id: "File" });

/** A page of OpenAI's lists. */
export const listOf = (item: z.ZodType) =>
  z.strictObject({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });

const form = z.looseObject({
  file: z.string().meta({ format: "binary" }),
  purpose: z.enum(uploadPurposes),
  "expires_after[anchor]": z.literal("created_at").optional(),
  "expires_after[seconds]": z.int().optional(),
});

export const uploadFileDoc: RouteDoc = {
  group,
  summary: "Upload a file",
  description: "Streamed to disk. See docs/batches.md for how long it may be, and how long it is kept.",
  headers: { "Idempotency-Key": "The same key and file bring the same file" },
  body: { description: "The file and what it is for", types: { "multipart/form-data": form } },
  answers: { 200: jsonContent("It", file) },
};
export const listFilesDoc = (query: z.ZodObject): RouteDoc => ({
  group,
  summary: "All files, newest first",
  query,
  answers: { 200: jsonContent("A page", listOf(file)) },
});
export const showFileDoc: RouteDoc = { group, summary: "A file", answers: { 200: jsonContent("It", file) } };
export const deleteFileDoc: RouteDoc = {
  group,
  summary: "Delete a file",
  answers: {
    200: jsonContent(
      "It is gone",
      z.strictObject({ id: z.string(), object: z.literal("file"), deleted: z.literal(true) }),
    ),
  },
};
const bytes = { "application/octet-stream": undefined };
export const readFileDoc: RouteDoc = {
  group,
  summary: "The bytes of a file",
  headers: { Range: "One range of bytes" },
  answers: {
    200: { description: "All of them", types: bytes },
    206: { description: "The range", types: bytes },
  },
};
