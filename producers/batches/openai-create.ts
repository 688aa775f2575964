/** What `POST /v1/batches` asks for, in OpenAI's words for what is wrong with it. Pure. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { NewHosted } from "../../src/ledger/hosted-batches.ts";
import { urls } from "../jsonl/openai-line.ts";
import { idSchema, isGiven } from "../wire/fields.ts";
import { keptSeconds } from "./kept-seconds.ts";

export interface CreateComplaint {
  readonly code: string;
  readonly message: string;
  readonly param: string;
}

export type AskedBatch = Pick<
  NewHosted,
  "endpoint" | "completionWindow" | "windowMs" | "metadata" | "inputFile" | "outputExpiresSeconds" | "fingerprint"
>;

export type ReadCreate =
  | { readonly ok: true; readonly asked: AskedBatch }
  | { readonly ok: false; readonly complaint: CreateComplaint };

export const createSchema = z.object({
  input_file_id: idSchema.max(200),
  endpoint: z.string().min(1),
  completion_window: z.string().min(1),
  metadata: z.record(z.string().min(1).max(64), z.string().max(512)).nullish(),
  output_expires_after: z
    .object({ anchor: z.literal("created_at"), seconds: z.int().min(3_600).max(keptSeconds) })
    .nullish(),
});

export function readCreate(body: unknown): ReadCreate {
  const given = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  for (const name of ["input_file_id", "endpoint", "completion_window"]) {
    if (!isGiven(Object.entries(given).find(([key]) => key === name)?.[1])) {
      return refuse("missing_required_parameter", `Missing required parameter: '${name}'.`, name);
    }
  }
  const read = createSchema.safeParse(given);
  if (!read.success) return refuse(...complaintOf(read.error.issues[0], given));
  const { input_file_id: inputFile, endpoint, completion_window: window, metadata } = read.data;
  if (!urls.some((url) => url === endpoint)) {
    return refuse("invalid_value", `Invalid value: '${endpoint.slice(0, 100)}'. ${supported}`, "endpoint");
  }
  const windowMs = windowMsOf(window);
  if (windowMs === undefined) return refuse("invalid_value", badWindow(window), "completion_window");
  if (isGiven(metadata) && Object.keys(metadata).length > 16) {
    return refuse("invalid_value", "Invalid 'metadata': at most 16 pairs.", "metadata");
  }
  const seconds = read.data.output_expires_after?.seconds;
  const asked = { inputFile, endpoint, window, metadata: sorted(metadata ?? {}), seconds: seconds ?? null };
  return {
    ok: true,
    asked: {
      endpoint,
      completionWindow: window,
      windowMs,
      metadata: metadata ?? undefined,
      inputFile,
      outputExpiresSeconds: seconds,
      fingerprint: createHash("sha256")
        .update(JSON.stringify(["openai", asked]))
        .digest("hex"),
    },
  };
}

const supported = `Supported values are: ${urls.map((url) => `'${url}'`).join(", ")}.`;
const badWindow = (window: string): string =>
  `Invalid 'completion_window': '${window.slice(0, 100)}'. Supported values are: '24h', any other time such as '30m', '1h' or '7d', and 'immediate'.`;

const dayMs = 86_400_000;
const longestMs = 30 * dayMs;
const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: dayMs };

/** `immediate` wants it soon and sets no end of its own. Undefined: no window. */
export function windowMsOf(window: string): number | undefined {
  if (window === "immediate") return dayMs;
  const [, number, unit = ""] = /^(\d{1,6})([smhd])$/.exec(window) ?? [];
  const ms = Number(number) * (units[unit] ?? Number.NaN);
  return ms >= 1_000 && ms <= longestMs ? ms : undefined;
}

const sorted = (metadata: Readonly<Record<string, string>>) =>
  Object.entries(metadata).sort(([one], [other]) => (one < other ? -1 : 1));

const refuse = (code: string, message: string, param: string): Extract<ReadCreate, { ok: false }> => ({
  ok: false,
  complaint: { code, message, param },
});

/** OpenAI names the type that came. */
function complaintOf(issue: z.core.$ZodIssue | undefined, given: unknown): [string, string, string] {
  const path = issue?.path ?? [];
  const param = path.join(".");
  if (issue?.code === "invalid_type") {
    const came = path.reduce<unknown>(
      (value, key) => Object.entries(value ?? {}).find(([name]) => name === key)?.[1],
      given,
    );
    return [
      "invalid_type",
      `Invalid type for '${param}': expected ${article(issue.expected)}, but got ${nounOf(came)} instead.`,
      param,
    ];
  }
  return ["invalid_value", `Invalid value for '${param}': ${issue?.message}.`, param];
}

const article = (noun: string): string =>
  ({ record: "an object", object: "an object", int: "an integer" })[noun] ?? `a ${noun}`;

function nounOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
