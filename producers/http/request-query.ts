/** What a list of requests may be narrowed by. */
import { z } from "zod";
import { requestStates } from "../../src/request/lifecycle.ts";
import { idSchema } from "../wire/fields.ts";

const time = z.iso.datetime({ offset: true, error: "must be a time such as 2026-01-31T12:00:00Z" });

export const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.uuid().optional(),
  before: z.uuid().optional(),
  state: z.enum(requestStates).optional(),
  model: idSchema.optional(),
  tenant: idSchema.optional(),
  batch_id: z.uuid().optional(),
  created_after: time.optional(),
  created_before: time.optional(),
});
