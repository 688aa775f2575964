/**
 * The only reader of `process.env`. Settings are read once, checked with zod, frozen and passed down.
 * Every name is documented in `.env.example`.
 */
import { z } from "zod";
import type { ReadAddress } from "../runtime/address.ts";
import { readDatabaseAddress } from "../runtime/database-address.ts";
import { readRedisAddress } from "../runtime/redis-address.ts";
import { SettingsError } from "./settings-error.ts";

const whole = (low: number, high: number) => z.coerce.number().int().min(low).max(high);
const requestsPerMinute = whole(1, 10_000_000);
const optionalAddress = (read: (url: string) => ReadAddress<unknown>) =>
  z
    .string()
    .superRefine((url, context) => {
      const answer = read(url);
      if (!answer.ok) context.addIssue({ code: "custom", message: answer.problem });
    })
    .optional();
const list = z
  .string()
  .transform((value) => value.split(/[\s,]+/).filter((item) => item !== ""))
  .optional();

const environmentSchema = z.object({
  REDIS_URL: optionalAddress(readRedisAddress),
  DATABASE_URL: optionalAddress(readDatabaseAddress),
  MILLRACE_HOME: z.string().default(".millrace"),
  MILLRACE_CONFIG: z.string().optional(),
  MILLRACE_PORT: whole(0, 65_535).default(8787),
  MILLRACE_HOST: z.string().default("127.0.0.1"),
  MILLRACE_LOG: z.enum(["silent", "error", "warn", "info", "debug"]).default("info"),
  MILLRACE_TENANT: z.string().min(1).max(100).default("default"),
  PRIMARY_PROVIDER: z.string().optional(),
  FALLBACK_CHAIN: list,
  PROVIDER_CIRCUIT_THRESHOLD: whole(1, 1_000).optional(),
  PROVIDER_CIRCUIT_TIMEOUT: whole(100, 3_600_000).optional(),
  BACKLOG_MAX_OPEN: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  BACKLOG_MAX_OPEN_PER_TENANT: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  MILLRACE_ALLOW_PRIVATE_URLS: z.enum(["true", "false"]).optional(),
});

export type Environment = Readonly<z.infer<typeof environmentSchema>> & {
  /** The first of these variables that is set and not empty: how adapters' own names are looked up. */
  readonly first: (names: readonly string[]) => string | undefined;
  /** A provider's requests a minute, by its variable, which ends in `_RPM`. */
  readonly requestsPerMinute: (variable: string) => number | undefined;
  /** True when a standard OpenTelemetry variable asks for export. */
  readonly telemetryWanted: boolean;
};

/** Reads and checks the environment. Throws SettingsError with every wrong name and what it must be. */
export function readEnvironment(source: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const present = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = environmentSchema.safeParse(present);
  const rates = z.record(z.string(), requestsPerMinute).safeParse(ratesIn(present));
  if (!parsed.success || !rates.success) {
    const issues = [parsed, rates].flatMap(({ error }) => error?.issues ?? []);
    const wrong = issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new SettingsError(`The environment is not usable: ${wrong.join("; ")}. See .env.example for every name.`);
  }
  return Object.freeze({
    ...parsed.data,
    first: (names: readonly string[]) => names.map((name) => present[name]).find((value) => value !== undefined),
    requestsPerMinute: (variable: string) => rates.data[variable],
    telemetryWanted: ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"].some(
      (name) => present[name] !== undefined && present[name] !== "none",
    ),
  });
}

const ratesIn = (variables: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => name.endsWith("_RPM")));

/** This process' environment, to start from where a fleet is given other settings (the demo, `up --simulate`). */
export const inheritedEnvironment = (): Readonly<Record<string, string | undefined>> => ({ ...process.env });
