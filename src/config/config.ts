/** Everything a process needs to know, read once, frozen, and passed down. */
import { resolve } from "node:path";
import type { AttemptPolicy } from "./attempt-policy.ts";
import type { BacklogBounds } from "./backlog.ts";
import { buildCatalog, type Catalog } from "./catalog.ts";
import { type Environment, readEnvironment } from "./env.ts";
import { readSettingsFile, type SettingsFile } from "./file.ts";
import type { Capture, Retention } from "./retention.ts";

/** What an adapter says of itself that settings depend on; given by whoever composes the process. */
export interface ProviderNames {
  readonly id: string;
  readonly environment: { readonly apiKey: readonly string[]; readonly baseUrl: readonly string[] };
}

export interface Credential {
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  /** What to set when the key is missing. */
  readonly variable: string;
}

export interface Config {
  /** Absolute path of the private folder (`.millrace`). */
  readonly home: string;
  readonly redisUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly http: { readonly host: string; readonly port: number };
  readonly log: Environment["MILLRACE_LOG"];
  readonly tenant: string;
  readonly telemetryWanted: boolean;
  readonly catalog: Catalog;
  readonly credentials: ReadonlyMap<string, Credential>;
  /** For all models and providers that say nothing else; `catalog.policyFor` knows. */
  readonly attempts: AttemptPolicy;
  readonly circuit: Readonly<SettingsFile["circuit"]>;
  readonly retries: Readonly<SettingsFile["retries"]>;
  readonly timeouts: SettingsFile["timeouts"];
  readonly worker: SettingsFile["worker"];
  readonly backlog: BacklogBounds;
  readonly retention: Retention;
  readonly capture: Capture;
}

/** Reads environment and settings file. Throws SettingsError with a message for the operator. */
export function loadConfig(
  providers: readonly ProviderNames[],
  directory: string,
  source?: Readonly<Record<string, string | undefined>>,
): Config {
  const environment = readEnvironment(source);
  const file = readSettingsFile(directory, environment.MILLRACE_CONFIG);
  return Object.freeze({
    home: resolve(directory, environment.MILLRACE_HOME),
    redisUrl: environment.REDIS_URL,
    databaseUrl: environment.DATABASE_URL,
    http: { host: environment.MILLRACE_HOST, port: environment.MILLRACE_PORT },
    log: environment.MILLRACE_LOG,
    tenant: environment.MILLRACE_TENANT,
    telemetryWanted: environment.telemetryWanted,
    catalog: buildCatalog(environment, file),
    credentials: new Map(providers.map((provider) => [provider.id, credentialOf(provider, environment, file)])),
    attempts: file.attempts,
    circuit: {
      ...file.circuit,
      threshold: environment.PROVIDER_CIRCUIT_THRESHOLD ?? file.circuit.threshold,
      coolDownMs: environment.PROVIDER_CIRCUIT_TIMEOUT ?? file.circuit.coolDownMs,
    },
    retries: file.retries,
    timeouts: file.timeouts,
    worker: file.worker,
    backlog: file.backlog,
    retention: file.retention,
    capture: file.capture,
  });
}

function credentialOf(provider: ProviderNames, environment: Environment, file: SettingsFile): Credential {
  return {
    apiKey: environment.first(provider.environment.apiKey),
    baseUrl: environment.first(provider.environment.baseUrl) ?? file.providers[provider.id]?.baseUrl,
    variable: provider.environment.apiKey[0] ?? `${provider.id.toUpperCase()}_API_KEY`,
  };
}
