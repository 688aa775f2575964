import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { positive, timerMs } from "./amounts.ts";
import { attemptsSchema, providerAttemptsSchema, routeAttemptsSchema } from "./attempt-policy.ts";
import { backlogSchema } from "./backlog.ts";
import { ownProviderKeys } from "./own-provider.ts";
import { poolKeys, poolSettingsSchema } from "./pool-settings.ts";
import { captureSchema, retentionSchema } from "./retention.ts";
import { SettingsError, unusable } from "./settings-error.ts";
import { settingsObject } from "./settings-object.ts";
import { unitPriceSchema } from "./unit-price.ts";

const waitMs = z.int().min(0).max(2_147_483_647);
const deploymentList = z.array(z.string().regex(/^[^/]+\/.+$/, "must be provider/model")).min(1);

/** `millrace.yaml` (or .json): what the environment's few names do not say. Strict: an unknown key is a spelling error. */
export const settingsFileSchema = settingsObject({
  primaryProvider: z.string().optional(),
  fallbackChain: z.array(z.string()).optional(),
  /** Address, limits and attempts of a provider; limits hold for each of its pools. */
  providers: z
    .record(
      z.string(),
      settingsObject({
        ...poolKeys,
        ...ownProviderKeys,
        baseUrl: z.url().optional(),
        attempts: providerAttemptsSchema.optional(),
      }),
    )
    .default({}),
  /** The same limits for single pools, by pool id such as `anthropic.haiku`. */
  pools: z.record(z.string(), poolSettingsSchema).default({}),
  /** Your own model names: an ordered list of `provider/model`, alone or with how to go along it. */
  models: z
    .record(
      z.string(),
      z.union([
        deploymentList,
        settingsObject({
          deployments: deploymentList,
          maxWaitMs: waitMs.optional(),
          attempts: routeAttemptsSchema.optional(),
        }),
      ]),
    )
    .default({}),
  /** What you pay for sound and text by their length, by `provider/model`; it comes before every price list. */
  prices: z.record(z.string().regex(/^[^/]+\/.+$/, "must be provider/model"), unitPriceSchema).default({}),
  fallback: settingsObject({
    /** How long a request waits at a blocked deployment before it moves on. */
    maxWaitMs: waitMs.default(10_000),
  }).prefault({}),
  attempts: attemptsSchema.prefault({}),
  /** Retries may be this share of the calls, plus so many a second. Source: Finagle's RetryBudget. */
  retries: settingsObject({
    share: z.number().min(0).max(1).default(0.2),
    floorPerSecond: z.number().min(0).max(1_000_000).default(10),
  }).prefault({}),
  /** Opens at `threshold` failures in a row, or at `ratio` of at least `minimumCalls` calls in the window. */
  circuit: settingsObject({
    threshold: z.int().min(1).max(1_000).default(5),
    coolDownMs: z.int().min(100).max(3_600_000).default(60_000),
    ratio: z.number().gt(0).max(1).default(0.5),
    minimumCalls: positive.max(1_000_000).default(20),
    windowSeconds: positive.max(300).default(10),
  }).prefault({}),
  timeouts: settingsObject({
    firstTokenMs: timerMs.default(60_000),
    idleMs: timerMs.default(30_000),
    totalMs: timerMs.default(600_000),
  }).prefault({}),
  worker: settingsObject({
    /** Jobs in flight per lane in one worker process. */
    slotsPerLane: z.int().min(1).max(5_000).default(50),
    leaseMs: z.int().min(2_000).default(60_000),
    drainGraceMs: z.int().min(0).default(20_000),
    /** Answers that wait for a Postgres that is away, in memory; more of them go to disk. */
    heldAnswersMb: z.int().min(0).max(4_096).default(64),
    /** A worker that has work and moves nothing for so long ends itself; 0: never. */
    stuckSeconds: z.int().min(0).max(86_400).default(120),
    /** So does one whose event loop is held up for longer than this in each of ten seconds; 0: never. */
    maxLagMs: timerMs.or(z.literal(0)).default(2_000),
  }).prefault({}),
  backlog: backlogSchema.prefault({}),
  retention: retentionSchema.prefault({}),
  capture: captureSchema.prefault({}),
  webhooks: settingsObject({
    /** Whether receivers may be on loopback and in private networks. */
    allowPrivate: z.boolean().default(false),
  }).prefault({}),
});
export type SettingsFile = z.infer<typeof settingsFileSchema>;

/** Reads the named file, else millrace.yaml/.yml/.json in `directory`, else defaults. Throws SettingsError. */
export function readSettingsFile(directory: string, named?: string): SettingsFile {
  const candidates = named === undefined ? ["millrace.yaml", "millrace.yml", "millrace.json"] : [named];
  const path = candidates.map((name) => resolve(directory, name)).find((candidate) => existsSync(candidate));
  if (path === undefined && named !== undefined)
    throw new SettingsError(`MILLRACE_CONFIG names ${named}, which does not exist.`);
  if (path === undefined) return settingsFileSchema.parse({});
  const parsed = settingsFileSchema.safeParse(readYaml(path) ?? {});
  if (parsed.success) return parsed.data;
  throw unusable(
    path,
    parsed.error.issues.flatMap((issue) => problemsOf(issue)),
  );
}

function readYaml(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, "utf8"));
  } catch (error) {
    throw new SettingsError(`${path} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Of the shapes that a value may have, the one it comes closest to tells what is wrong. */
function problemsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    const fitting = issue.errors.filter((issues) => !issues.some(isOfOtherShape));
    const shapes = fitting.length > 0 ? fitting : issue.errors;
    const problems = shapes.flatMap((issues) => issues.flatMap((inner) => problemsOf(inner, path)));
    if (problems.length > 0) return problems;
  }
  return [`${path.join(".") || "(top)"}: ${issue.message}`];
}

const isOfOtherShape = (issue: z.core.$ZodIssue): boolean => issue.code === "invalid_type" && issue.path.length === 0;
