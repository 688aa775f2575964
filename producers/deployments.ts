/** The deployments that can be named: by the catalogue and the settings, and by what has happened. */
import type { Catalog } from "../src/config/catalog.ts";
import type { Deployment } from "../src/config/deployment.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { latestCircuitEvents } from "../src/ledger/circuit-events.ts";
import { loadEstimates } from "../src/ledger/estimates.ts";

/** Every model of the built-in data and every deployment of a configured route. Bounded by them. */
export function catalogueDeployments(catalog: Catalog): readonly Deployment[] {
  const builtIn = [...catalog.entries.values()].flatMap(({ id, models }) =>
    Object.keys(models).map((model) => `${id}/${model}`),
  );
  const routed = catalog.models.flatMap((model) => catalog.route(model)?.deployments.map(({ id }) => id) ?? []);
  return [...new Set([...builtIn, ...routed])].flatMap((id) => catalog.deployment(id) ?? []);
}

/** By provider: those of the catalogue, and models passed through that had a change of their circuit or were learned about. */
export async function knownDeployments({ config, ledger }: Fleet): Promise<ReadonlyMap<string, readonly string[]>> {
  const [events, estimates] = await Promise.all([latestCircuitEvents(ledger), loadEstimates(ledger)]);
  const seen = [...events, ...estimates].flatMap(({ deployment }) => deployment ?? []);
  const ids = new Set([...catalogueDeployments(config.catalog).map(({ id }) => id), ...seen]);
  return new Map(
    [...config.credentials.keys()].map((provider) => [
      provider,
      [...ids].filter((id) => id.startsWith(`${provider}/`)),
    ]),
  );
}
