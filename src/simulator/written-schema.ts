import { z } from "zod";

/** A JSON Schema as a caller wrote it: of any content. */
export const writtenSchema = z.record(z.string(), z.unknown());
