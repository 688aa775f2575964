/** Everything a process needs to know, read once, frozen, and passed down. */
import { resolve } from "node:path";
import type { AttemptPolicy } from "./attempt-policy.ts";
import type { BacklogBounds } from "./backlog.ts";
import { buildCatalog, type Catalog } from "./catalog.ts";
import { type Environment, readEnvironment } from "./env.ts";
import { readSettingsFile, type SettingsFile } from "./file.ts";
import type { OwnProvider } from "./own-provider.ts";
import type { Capture, Retention } from "./retention.ts";
import { SettingsError } from "./settings-error.ts";

/** What an adapter says of itself that settings depend on; given by whoever composes the process. */
export interface ProviderNames {
  readonly id: string;
  readonly environment: {
    readonly apiKey: readonly string[];
    readonly baseUrl: readonly string[];
    readonly more?: Readonly<Record<string, readonly string[]>>;
  };
}

export interface Credential {
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  /** Further settings of the provider that are set, such as a region; some are secret. */
  readonly more: Readonly<Record<string, string>>;
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
  readonly webhooks: Readonly<SettingsFile["webhooks"]>;
}

/** Reads environment and settings file. Throws SettingsError with a message for the operator. */
export function loadConfig(
  providers: readonly ProviderNames[],
  directory: string,
  source?: Readonly<Record<string, string | undefined>>,
): Config {
  const environment = readEnvironment(source);
  const file = readSettingsFile(directory, environment.MILLRACE_CONFIG);
  const catalog = buildCatalog(environment, file);
  const credentials = new Map([
    ...providers.map((provider) => [provider.id, credentialOf(provider, environment, file)] as const),
    ...catalog.ownProviders.map((own) => [own.id, ownCredential(own, environment)] as const),
  ]);
  return Object.freeze({
    home: resolve(directory, environment.MILLRACE_HOME),
    redisUrl: environment.REDIS_URL,
    databaseUrl: environment.DATABASE_URL,
    http: { host: environment.MILLRACE_HOST, port: environment.MILLRACE_PORT },
    log: environment.MILLRACE_LOG,
    tenant: environment.MILLRACE_TENANT,
    telemetryWanted: environment.telemetryWanted,
    catalog,
    credentials,
    attempts: file.attempts,
    circuit: {
      ...file.circuit,
      threshold: environment.PROVIDER_CIRCUIT_THRESHOLD ?? file.circuit.threshold,
      coolDownMs: environment.PROVIDER_CIRCUIT_TIMEOUT ?? file.circuit.coolDownMs,
    },
    retries: file.retries,
    timeouts: file.timeouts,
    worker: file.worker,
    backlog: {
      ...file.backlog,
      maxOpen: environment.BACKLOG_MAX_OPEN ?? file.backlog.maxOpen,
      maxOpenPerTenant: environment.BACKLOG_MAX_OPEN_PER_TENANT ?? file.backlog.maxOpenPerTenant,
    },
    retention: file.retention,
    capture: file.capture,
    webhooks: {
      allowPrivate:
        environment.MILLRACE_ALLOW_PRIVATE_URLS === undefined
          ? file.webhooks.allowPrivate
          : environment.MILLRACE_ALLOW_PRIVATE_URLS === "true",
    },
  });
}

function credentialOf(provider: ProviderNames, environment: Environment, file: SettingsFile): Credential {
  const baseUrl = environment.first(provider.environment.baseUrl) ?? file.providers[provider.id]?.baseUrl;
  refuseLogin(
    baseUrl,
    `${provider.id} (${provider.environment.baseUrl.join(" or ")}, or baseUrl of the settings file)`,
  );
  const more = Object.entries(provider.environment.more ?? {}).flatMap(([name, variables]) => {
    const value = environment.first(variables);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    apiKey: environment.first(provider.environment.apiKey),
    baseUrl,
    more: Object.fromEntries(more),
    variable: provider.environment.apiKey[0] ?? `${provider.id.toUpperCase()}_API_KEY`,
  };
}

/** Without a variable there is no key to have; that it has an address is what makes it usable. */
function ownCredential({ id, apiKeyVariable, baseUrl }: OwnProvider, environment: Environment): Credential {
  refuseLogin(baseUrl, `${id} (baseUrl of the settings file)`);
  return {
    apiKey: apiKeyVariable === undefined ? baseUrl : environment.first([apiKeyVariable]),
    baseUrl,
    more: {},
    variable: apiKeyVariable ?? `providers.${id}.apiKeyVariable`,
  };
}

/** It would be kept in the ledger for operators to see, and no HTTP client takes it. */
function refuseLogin(baseUrl: string | undefined, whose: string): void {
  if (baseUrl === undefined || !/^\w+:\/\/[^/?#]*@/.test(baseUrl)) return;
  throw new SettingsError(`The base URL of ${whose} has a login in it: take it out.`);
}
