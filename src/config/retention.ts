/** How long things are kept, and what of prompts and answers is kept at all. Times count from the end of a request. */
import { z } from "zod";
import { settingsObject } from "./settings-object.ts";

const days = z.number().min(0).max(36_500).optional();

/** Absent: kept until somebody says otherwise. */
export const retentionSchema = settingsObject({
  /** Prompts. */
  payloadsDays: days,
  /** Answers. */
  resultsDays: days,
  /** Requests with everything of them: calls, batch lines, idempotency keys; a batch goes with its last line. */
  logsDays: days,
});
export type Retention = z.infer<typeof retentionSchema>;

export const captureModes = ["on", "redacted", "off"] as const;
export type CaptureMode = (typeof captureModes)[number];

/**
 * What of prompts and answers stays after the delivery window. `on`: all of it; `redacted`: addresses, numbers and keys in
 * it are masked; `off`: nothing. Until then a queue needs the prompt, and its caller the answer.
 */
export const captureSchema = settingsObject({
  default: z.enum(captureModes).default("on"),
  tenants: z.record(z.string(), z.enum(captureModes)).default({}),
  /** From the end of a request: its answer can be fetched, and a failed line of a batch can be run again. */
  deliveryHours: z.number().min(0.1).max(8_760).default(24),
});
export type Capture = z.infer<typeof captureSchema>;

export const captureOf = (capture: Capture, tenant: string): CaptureMode =>
  (Object.hasOwn(capture.tenants, tenant) ? capture.tenants[tenant] : undefined) ?? capture.default;
