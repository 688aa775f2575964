/** Everything that can be set about a simulator, parsed once: from code, from the command line, over HTTP. */
import { z } from "zod";
import { providerEntries } from "../config/models.ts";
import type { ProviderEntry } from "../config/provider-entry.ts";
import { type Vendor, vendors } from "./vendor.ts";

const positive = z.number().positive();
const percentiles = z
  .strictObject({ p50: z.number().nonnegative(), p99: z.number().nonnegative() })
  .refine(({ p50, p99 }) => p99 >= p50, "p99 must not be below p50");

const limitFields = {
  requestsPerMinute: positive.optional(),
  /** Charged when a call is admitted. */
  inputTokensPerMinute: positive.optional(),
  /** Charged as output is produced. */
  outputTokensPerMinute: positive.optional(),
  /** Input plus the caller's maximum of output, charged when a call is admitted. */
  tokensPerMinute: positive.optional(),
  /** Gives back what `tokensPerMinute` charged and the call did not use, when the call is over. */
  refund: z.boolean().optional(),
  /** How tokens are counted: in buckets that refill all the time (when absent), or anew each minute of the clock. */
  tokensWindow: z.enum(["bucket", "minute"]).optional(),
  /** Counts requests in windows of that length, each with its share of `requestsPerMinute` rounded down, and one at least. */
  requestsWindowMs: z.int().min(1).optional(),
  /** By how much the edges of minutes and of request windows are later than the clock's own; 0 when absent. */
  phaseMs: z.int().nonnegative().optional(),
  /** By the calendar day in UTC. */
  requestsPerDay: z.int().min(1).optional(),
  /** Calls under way at once. */
  concurrency: z.int().nonnegative().optional(),
  /** How many seconds' worth a bucket holds; 60 when absent. */
  burstSeconds: positive.max(3_600).optional(),
  /** A refused call costs a request. */
  rejectsCount: z.boolean().optional(),
};
const limitsSchema = z.strictObject(limitFields);
const vendorLimitsSchema = z.strictObject({ ...limitFields, classes: z.record(z.string(), limitsSchema).optional() });

export type Limits = z.infer<typeof limitsSchema>;

/** By vendor; a vendor that is not named has no limits. */
export const limitSettingsSchema = z.strictObject({
  anthropic: vendorLimitsSchema.optional(),
  openai: vendorLimitsSchema.optional(),
  gemini: vendorLimitsSchema.optional(),
});
export type LimitSettings = z.infer<typeof limitSettingsSchema>;

const modelsSchema = z.record(z.string().min(1), z.string().min(1));

export const settingsSchema = z.strictObject({
  host: z.string().default("127.0.0.1"),
  /** 0 lets the system choose. */
  port: z.int().min(0).max(65_535).default(0),
  seed: z.int().default(1),
  latency: z
    .union([z.literal("none"), z.strictObject({ firstTokenMs: percentiles, perTokenMs: z.number().nonnegative() })])
    .default("none"),
  /** One way from the caller: a call is metered, and in the ledger, only when it has arrived. None when absent. */
  arrivalDelayMs: percentiles.optional(),
  /** Length of answers in tokens. */
  outputTokens: percentiles.default({ p50: 120, p99: 600 }),
  /** A prompt with `[output 211]` in it is answered with 211 tokens. Marks for tools always count: see tool-draft.ts. */
  outputFromPrompt: z.boolean().default(false),
  /** Tokens in one event of a stream. */
  pieceTokens: z.int().min(1).default(8),
  limits: limitSettingsSchema.default({}),
  keys: z
    .strictObject({
      /** A key that begins with one of these is good, unless it begins with one of `refused`. */
      accepted: z.array(z.string()).default(["sim-"]),
      refused: z.array(z.string()).default(["sim-invalid"]),
    })
    .prefault({}),
  /** Models and the class each is metered in, by vendor; the built-in ones where a vendor is not named. */
  models: z
    .strictObject({
      anthropic: modelsSchema.default(builtIn("anthropic")),
      openai: modelsSchema.default(builtIn("openai")),
      gemini: modelsSchema.default(builtIn("gemini")),
    })
    .prefault({}),
  /** Answers for models it does not know too, each metered by itself. */
  anyModel: z.boolean().default(false),
  /** Calls that the ledger remembers. */
  ledgerCalls: z.int().min(1).default(1_000_000),
  bodyLimitBytes: z
    .int()
    .min(1)
    .default(32 * 1_048_576),
});

export type SimulatorSettings = z.infer<typeof settingsSchema>;

/** The models and limit groups that the catalog knows by the same name. */
function builtIn(vendor: Vendor): Record<string, string> {
  const entry: ProviderEntry | undefined = providerEntries.find(({ id }) => id === vendor);
  return Object.fromEntries(Object.entries(entry?.models ?? {}).map(([model, { group }]) => [model, group]));
}

export const vendorSchema = z.enum(vendors);

/** The class in which a model is metered; undefined when the vendor has no such model. A dated name is its model. */
export function classOf(settings: SimulatorSettings, vendor: Vendor, model: string): string | undefined {
  const known = settings.models[vendor];
  const undated = model.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2})$/, "");
  const name = [model, undated].find((candidate) => Object.hasOwn(known, candidate));
  return name === undefined ? (settings.anyModel ? model : undefined) : known[name];
}
