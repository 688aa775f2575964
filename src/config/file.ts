import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { SettingsError } from "./settings-error.ts";

const positive = z.number().int().min(1);
/** More than 2^31 - 1 ms no timer holds: it would ring at once. */
const timerMs = positive.max(2_147_483_647);
const poolLimits = { requestsPerMinute: positive.optional(), concurrency: positive.optional() };

/** `millrace.yaml` (or .json): what the environment's few names do not say. Strict: an unknown key is a spelling error. */
export const settingsFileSchema = z.strictObject({
  primaryProvider: z.string().optional(),
  fallbackChain: z.array(z.string()).optional(),
  /** Limits and address of a provider; limits hold for each of its pools. */
  providers: z.record(z.string(), z.strictObject({ baseUrl: z.url().optional(), ...poolLimits })).default({}),
  /** Limits of single pools, by pool id such as `anthropic.haiku`. */
  pools: z.record(z.string(), z.strictObject(poolLimits)).default({}),
  /** Your own model names: an ordered list of `provider/model`. */
  models: z.record(z.string(), z.array(z.string().regex(/^[^/]+\/.+$/, "must be provider/model")).min(1)).default({}),
  attempts: z
    .strictObject({
      perDeployment: z.number().int().min(1).max(20).default(3),
      total: z.number().int().min(1).max(100).default(6),
      baseMs: z.number().int().min(1).default(500),
      capMs: z.number().int().min(1).default(30_000),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      firstTokenMs: timerMs.default(60_000),
      idleMs: timerMs.default(30_000),
      totalMs: timerMs.default(600_000),
    })
    .prefault({}),
  worker: z
    .strictObject({
      /** Jobs in flight per lane in one worker process. */
      slotsPerLane: z.number().int().min(1).max(5_000).default(50),
      leaseMs: z.number().int().min(2_000).default(60_000),
      drainGraceMs: z.number().int().min(0).default(20_000),
    })
    .prefault({}),
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
  const wrong = parsed.error.issues.map((issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`);
  throw new SettingsError(`${path} is not usable:\n${wrong.join("\n")}\nSee examples/millrace.yaml for every key.`);
}

function readYaml(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, "utf8"));
  } catch (error) {
    throw new SettingsError(`${path} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}
