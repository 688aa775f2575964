/** What a caller says of a file beside its bytes, and how long a file may be. Pure. */
import { z } from "zod";
import { keptSeconds } from "../batches/kept-seconds.ts";

export const uploadPurposes = ["batch", "assistants", "fine-tune", "vision", "user_data", "evals"] as const;
export type UploadPurpose = (typeof uploadPurposes)[number];

/** OpenAI's bounds: an hour to thirty days. */
export const expirySeconds = z.coerce.number().int().min(3_600).max(keptSeconds);

export const uploadSchema = z
  .object({
    purpose: z.enum(uploadPurposes, { error: `supported values are ${uploadPurposes.join(", ")}` }),
    "expires_after[anchor]": z.literal("created_at", { error: "must be created_at" }).optional(),
    "expires_after[seconds]": expirySeconds.optional(),
  })
  .transform(({ purpose, "expires_after[seconds]": seconds }) => ({
    purpose,
    /** Undefined: it stays until it is removed. */
    expiresSeconds: seconds ?? (purpose === "batch" ? keptSeconds : undefined),
  }));
export type Upload = z.infer<typeof uploadSchema>;

const megabyte = 1_024 * 1_024;
const mostOther = 512;

/** Of a purpose that may not be known yet. `batchMb`: the bound of files for batches, in megabytes. */
export const mostBytes = (purpose: string | undefined, batchMb: number): number =>
  (purpose === "batch" ? batchMb : Math.max(mostOther, purpose === undefined ? batchMb : 0)) * megabyte;
export const megabytes = (bytes: number): number => bytes / megabyte;
