/** Models → deployments → pools, from the built-in data, the settings file and the environment. Pure. */
import type { AttemptPolicy, RouteAttempts } from "./attempt-policy.ts";
import type { Deployment, Route } from "./deployment.ts";
import type { Environment } from "./env.ts";
import type { SettingsFile } from "./file.ts";
import { type ProviderEntry, providerEntries } from "./models.ts";
import type { Pool } from "./pool.ts";
import { buildPools } from "./pools.ts";
import { SettingsError, unusable } from "./settings-error.ts";
import { overlay } from "./settings-object.ts";

export interface Catalog {
  readonly pools: ReadonlyMap<string, Pool>;
  /** The route of a model name, or undefined when nobody offers it. */
  route(model: string): Route | undefined;
  /** A deployment by id; `provider/any-model` passes through in the provider's pool `other`. */
  deployment(id: string): Deployment | undefined;
  /** How calls of a model are made again at a provider: the route's own over the provider's over the global policy. */
  policyFor(model: string, provider: string): AttemptPolicy;
  /** Every name that `route` knows, for messages and `/v1/models`. */
  readonly models: readonly string[];
}

export function buildCatalog(environment: Environment, file: SettingsFile): Catalog {
  const entries = new Map(providerEntries.map((entry) => [entry.id, entry]));
  const pools = buildPools(environment, file);
  const deployment = (id: string) => deploymentOf(entries, id);
  const { primary, standInProviders } = fallbackOf(environment, file, entries);
  const named = namedRoutes(file, entries);
  const vendorModels = new Map(
    providerEntries.flatMap((entry) => Object.keys(entry.models).map((model) => [model, `${entry.id}/${model}`])),
  );

  const route = (model: string): Route | undefined => {
    const own = named.get(model);
    if (own !== undefined) return own.route;
    const first = model === "default" ? defaultOf(entries, primary) : deployment(vendorModels.get(model) ?? model);
    if (first === undefined) return undefined;
    const standIns = standInProviders.filter((id) => id !== first.provider).map((id) => defaultOf(entries, id));
    const deployments = [first, ...standIns.filter((standIn) => standIn !== undefined)];
    return { model, deployments, maxWaitMs: file.fallback.maxWaitMs };
  };
  // Maps, not the file's own objects: a model may be called `constructor`.
  const ofProviders = new Map(Object.entries(file.providers).map(([id, { attempts }]) => [id, attempts]));
  const policyFor = (model: string, provider: string): AttemptPolicy =>
    overlay(overlay<AttemptPolicy>(file.attempts, ofProviders.get(provider)), named.get(model)?.attempts);
  const models = ["default", ...named.keys(), ...vendorModels.keys()];
  return { pools, route, deployment, policyFor, models };
}

function deploymentOf(entries: ReadonlyMap<string, ProviderEntry>, id: string): Deployment | undefined {
  const slash = id.indexOf("/");
  const entry = slash < 1 ? undefined : entries.get(id.slice(0, slash));
  const model = id.slice(slash + 1);
  if (entry === undefined || model === "") return undefined;
  return {
    id,
    provider: entry.id,
    model,
    // A model may be called `constructor`: only our own entries count.
    pool: `${entry.id}.${Object.hasOwn(entry.models, model) ? entry.models[model] : "other"}`,
    priceBook: entry.priceBook,
  };
}

function defaultOf(entries: ReadonlyMap<string, ProviderEntry>, provider: string | undefined): Deployment | undefined {
  const entry = provider === undefined ? undefined : entries.get(provider);
  return entry === undefined ? undefined : deploymentOf(entries, `${entry.id}/${entry.defaultModel}`);
}

/** A configured chain stands in for every provider, the primary one first; no chain means no stand-ins. */
function fallbackOf(
  environment: Environment,
  file: SettingsFile,
  entries: ReadonlyMap<string, ProviderEntry>,
): { readonly primary: string | undefined; readonly standInProviders: readonly string[] } {
  const primary = environment.PRIMARY_PROVIDER ?? file.primaryProvider ?? providerEntries[0]?.id;
  const chain = environment.FALLBACK_CHAIN ?? file.fallbackChain ?? [];
  const all = [...new Set([primary, ...chain])].filter((id) => id !== undefined);
  const unknown = all.filter((id) => !entries.has(id));
  if (unknown.length > 0) {
    throw new SettingsError(
      `No provider is called ${unknown.join(", ")}. Providers: ${[...entries.keys()].join(", ")}.`,
    );
  }
  return { primary, standInProviders: chain.length === 0 ? [] : all };
}

interface NamedRoute {
  readonly route: Route;
  readonly attempts: RouteAttempts | undefined;
}

function namedRoutes(file: SettingsFile, entries: ReadonlyMap<string, ProviderEntry>): ReadonlyMap<string, NamedRoute> {
  const routes = Object.entries(file.models).map(([model, setting]): [string, NamedRoute] => {
    const { deployments: ids, maxWaitMs, attempts } = Array.isArray(setting) ? { deployments: setting } : setting;
    const deployments = ids.map((id) => {
      const found = deploymentOf(entries, id);
      if (found !== undefined) return found;
      throw unusable("millrace.yaml", [
        `models.${model}: ${id} is of no known provider; possible: ${[...entries.keys()].join(", ")}`,
      ]);
    });
    return [model, { route: { model, deployments, maxWaitMs: maxWaitMs ?? file.fallback.maxWaitMs }, attempts }];
  });
  return new Map(routes);
}
