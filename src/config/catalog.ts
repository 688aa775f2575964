/** Models → deployments → pools, from the built-in data, the settings file and the environment. Pure. */
import type { AttemptPolicy, RouteAttempts } from "./attempt-policy.ts";
import type { Deployment, Route } from "./deployment.ts";
import type { Environment } from "./env.ts";
import type { SettingsFile } from "./file.ts";
import { providerEntries } from "./models.ts";
import { type OwnProvider, ownProviders } from "./own-provider.ts";
import type { Pool } from "./pool.ts";
import { buildPools } from "./pools.ts";
import { modelInfo, otherGroup, type ProviderEntry } from "./provider-entry.ts";
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
  /** Every provider, those of the settings file included, by id. */
  readonly entries: ReadonlyMap<string, ProviderEntry>;
  readonly ownProviders: readonly OwnProvider[];
  /** Every name that `route` knows, for messages and `/v1/models`. */
  readonly models: readonly string[];
}

export function buildCatalog(environment: Environment, file: SettingsFile): Catalog {
  const own = ownProviders(
    file,
    providerEntries.map(({ id }) => id),
  );
  if (!own.ok) throw unusable("millrace.yaml", own.problems);
  const all = [...providerEntries, ...own.providers.map(({ entry }) => entry)];
  const entries = new Map(all.map((entry) => [entry.id, entry]));
  const pools = buildPools(environment, file, all);
  const deployment = (id: string) => deploymentOf(entries, id, file.prices);
  const { primary, standInProviders } = fallbackOf(environment, file, entries);
  const named = namedRoutes(file, entries, deployment);
  const vendorModels = new Map(
    // Where several offer a model, the first provider has its bare name.
    [...providerEntries]
      .reverse()
      .flatMap((entry) => Object.keys(entry.models).map((model) => [model, `${entry.id}/${model}`])),
  );

  const route = (model: string): Route | undefined => {
    const own = named.get(model);
    if (own !== undefined) return own.route;
    const first =
      model === "default" ? defaultOf(entries, primary, deployment) : deployment(vendorModels.get(model) ?? model);
    if (first === undefined) return undefined;
    const standIns = standInProviders
      .filter((id) => id !== first.provider)
      .map((id) => defaultOf(entries, id, deployment));
    const deployments = [first, ...standIns.filter((standIn) => standIn !== undefined)];
    return { model, deployments, maxWaitMs: file.fallback.maxWaitMs };
  };
  // Maps, not the file's own objects: a model may be called `constructor`.
  const ofProviders = new Map(Object.entries(file.providers).map(([id, { attempts }]) => [id, attempts]));
  const policyFor = (model: string, provider: string): AttemptPolicy =>
    overlay(overlay<AttemptPolicy>(file.attempts, ofProviders.get(provider)), named.get(model)?.attempts);
  const builtIn = providerEntries.flatMap((entry) => Object.keys(entry.models));
  const models = [...new Set(["default", ...named.keys(), ...builtIn])];
  return { pools, route, deployment, policyFor, models, entries, ownProviders: own.providers };
}

function deploymentOf(
  entries: ReadonlyMap<string, ProviderEntry>,
  id: string,
  prices: SettingsFile["prices"],
): Deployment | undefined {
  const slash = id.indexOf("/");
  const entry = slash < 1 ? undefined : entries.get(id.slice(0, slash));
  const model = id.slice(slash + 1);
  if (entry === undefined || model === "") return undefined;
  const info = modelInfo(entry, model);
  const pool = `${entry.id}.${info?.group ?? otherGroup}`;
  const unitPrice = Object.hasOwn(prices, id) ? prices[id] : undefined;
  return { id, provider: entry.id, model, pool, priceBook: entry.priceBook, unitPrice, info };
}

type DeploymentById = (id: string) => Deployment | undefined;

function defaultOf(
  entries: ReadonlyMap<string, ProviderEntry>,
  provider: string | undefined,
  deployment: DeploymentById,
): Deployment | undefined {
  const entry = provider === undefined ? undefined : entries.get(provider);
  return entry === undefined ? undefined : deployment(`${entry.id}/${entry.defaultModel}`);
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

function namedRoutes(
  file: SettingsFile,
  entries: ReadonlyMap<string, ProviderEntry>,
  deployment: DeploymentById,
): ReadonlyMap<string, NamedRoute> {
  const routes = Object.entries(file.models).map(([model, setting]): [string, NamedRoute] => {
    const { deployments: ids, maxWaitMs, attempts } = Array.isArray(setting) ? { deployments: setting } : setting;
    const deployments = ids.map((id) => {
      const found = deployment(id);
      if (found !== undefined) return found;
      throw unusable("millrace.yaml", [
        `models.${model}: ${id} is of no known provider; possible: ${[...entries.keys()].join(", ")}`,
      ]);
    });
    return [model, { route: { model, deployments, maxWaitMs: maxWaitMs ?? file.fallback.maxWaitMs }, attempts }];
  });
  return new Map(routes);
}
