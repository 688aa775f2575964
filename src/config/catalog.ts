/** Models → deployments → pools, from the built-in data, the settings file and the environment. Pure. */
import type { Deployment, Pool, Route } from "./deployment.ts";
import type { Environment } from "./env.ts";
import type { SettingsFile } from "./file.ts";
import { type ProviderEntry, providerEntries } from "./models.ts";
import { SettingsError } from "./settings-error.ts";

export interface Catalog {
  readonly pools: ReadonlyMap<string, Pool>;
  /** The route of a model name, or undefined when nobody offers it. */
  route(model: string): Route | undefined;
  /** A deployment by id; `provider/any-model` passes through in the provider's pool `other`. */
  deployment(id: string): Deployment | undefined;
  /** Every name that `route` knows, for messages and `/v1/models`. */
  readonly models: readonly string[];
}

export function buildCatalog(environment: Environment, file: SettingsFile): Catalog {
  const entries = new Map(providerEntries.map((entry) => [entry.id, entry]));
  const pools = poolsOf(environment, file);
  const deployment = (id: string) => deploymentOf(entries, id);
  const { primary, standInProviders } = fallbackOf(environment, file, entries);
  const named = namedRoutes(file, entries);
  const vendorModels = new Map(
    providerEntries.flatMap((entry) => Object.keys(entry.models).map((model) => [model, `${entry.id}/${model}`])),
  );

  const route = (model: string): Route | undefined => {
    const own = named.get(model);
    if (own !== undefined) return { model, deployments: own };
    const first = model === "default" ? defaultOf(entries, primary) : deployment(vendorModels.get(model) ?? model);
    if (first === undefined) return undefined;
    const standIns = standInProviders.filter((id) => id !== first.provider).map((id) => defaultOf(entries, id));
    return { model, deployments: [first, ...standIns.filter((standIn) => standIn !== undefined)] };
  };
  return { pools, route, deployment, models: ["default", ...named.keys(), ...vendorModels.keys()] };
}

function poolsOf(environment: Environment, file: SettingsFile): ReadonlyMap<string, Pool> {
  const pools = providerEntries.flatMap((entry) => {
    const own = file.providers[entry.id];
    const groups = new Set([...Object.values(entry.models), "other"]);
    return [...groups].map((group): Pool => {
      const id = `${entry.id}.${group}`;
      const limits = file.pools[id];
      return {
        id,
        provider: entry.id,
        requestsPerMinute:
          limits?.requestsPerMinute ??
          environment[entry.requestsPerMinute.variable] ??
          own?.requestsPerMinute ??
          entry.requestsPerMinute.default,
        concurrency: limits?.concurrency ?? own?.concurrency ?? entry.concurrency,
      };
    });
  });
  const byId = new Map(pools.map((pool) => [pool.id, pool]));
  const unknown = [
    ...Object.keys(file.pools).filter((id) => !byId.has(id)),
    ...Object.keys(file.providers).filter((id) => !providerEntries.some((entry) => entry.id === id)),
  ];
  if (unknown.length > 0) {
    throw new SettingsError(
      `millrace.yaml names ${unknown.join(", ")}, which does not exist. Pools: ${[...byId.keys()].join(", ")}.`,
    );
  }
  return byId;
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

function namedRoutes(
  file: SettingsFile,
  entries: ReadonlyMap<string, ProviderEntry>,
): ReadonlyMap<string, readonly Deployment[]> {
  return new Map(
    Object.entries(file.models).map(([name, ids]) => [
      name,
      ids.map((id) => {
        const found = deploymentOf(entries, id);
        if (found === undefined)
          throw new SettingsError(`millrace.yaml: models.${name} names ${id}, whose provider is unknown.`);
        return found;
      }),
    ]),
  );
}
