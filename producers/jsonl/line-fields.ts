import { z } from "zod";
import { bodySchema } from "../../src/request/body.ts";

/** Postgres text holds no NUL, and half a surrogate pair would be stored as another character. */
const isStorable = (text: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(text);
const unstorable = "must not hold control characters or broken Unicode";

/** An index entry of Postgres has an end; 512 characters of any script fit. */
export const idSchema = z.string().min(1).max(512).refine(isStorable, unstorable);

export const modelSchema = bodySchema.shape.model.refine(isStorable, unstorable);
