/** What `millrace.yaml` may say of a provider's pools, or of one. What depends on other settings is checked in pools.ts. */
import { z } from "zod";
import { positive } from "./amounts.ts";
import { type Dimension, dimensions } from "./pool.ts";
import { settingsObject } from "./settings-object.ts";

/** Null takes a default limit away: the provider is known not to have it. */
const limit = positive.nullable().optional();

/** The name under which a dimension's limit is set. */
export const limitKeys = {
  requests: "requestsPerMinute",
  inputTokens: "inputTokensPerMinute",
  outputTokens: "outputTokensPerMinute",
  tokens: "tokensPerMinute",
  requestsPerDay: "requestsPerDay",
  tokensPerDay: "tokensPerDay",
} as const satisfies Record<Dimension, string>;

export type MinuteDimension = Exclude<Dimension, "requestsPerDay" | "tokensPerDay">;
export const isOfMinute = (dimension: Dimension): dimension is MinuteDimension =>
  dimension !== "requestsPerDay" && dimension !== "tokensPerDay";
export const minuteDimensions = dimensions.filter(isOfMinute);

const modeReasons: Readonly<Record<string, string>> = {
  second: "only requests can be limited by the second; ",
  day: "only requestsPerDay and tokensPerDay are counted by the day, and they always are; ",
};
const modeAmong = <const Modes extends readonly string[]>(modes: Modes) =>
  z
    .enum(modes, {
      error: ({ input }) => `${modeReasons[String(input)] ?? ""}possible: ${modes.join(", ")}`,
    })
    .optional();
const requestsMode = modeAmong(["bucket", "minute", "second", "sliding"]);
const tokensMode = modeAmong(["bucket", "minute", "sliding"]);

const seconds = z.number().positive().max(86_400);

const timeZone = z.string().refine(isTimeZone, {
  error: ({ input }) => `"${input}" is no time zone; possible: names such as UTC, America/Los_Angeles, Europe/Berlin`,
});

const charge = settingsObject({
  input: z.enum(["exact", "estimated"]).optional(),
  cacheReads: z.enum(["free", "counted"]).optional(),
  output: z.enum(["produced", "reserved", "larger"]).optional(),
  outputWeight: z.number().min(1).max(1_000).optional(),
  refund: z.enum(["end", "none"]).optional(),
  rejectsCount: z.boolean().optional(),
});

export const poolKeys = {
  requestsPerMinute: limit,
  inputTokensPerMinute: limit,
  outputTokensPerMinute: limit,
  tokensPerMinute: limit,
  requestsPerDay: limit,
  tokensPerDay: limit,
  /** Calls in flight; null: not known, and learned. */
  concurrency: limit,
  modes: settingsObject({
    requests: requestsMode,
    inputTokens: tokensMode,
    outputTokens: tokensMode,
    tokens: tokensMode,
  }).optional(),
  burstSeconds: z
    .union([
      seconds,
      settingsObject({
        requests: seconds.optional(),
        inputTokens: seconds.optional(),
        outputTokens: seconds.optional(),
        tokens: seconds.optional(),
      }),
    ])
    .optional(),
  timeZone: timeZone.optional(),
  charge: charge.optional(),
  jitterMs: z.number().min(0).max(60_000).optional(),
};
export const poolSettingsSchema = settingsObject(poolKeys);
export type PoolSettings = z.infer<typeof poolSettingsSchema>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
