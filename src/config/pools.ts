/** Every pool with its limits: pool settings over the environment over provider settings over the provider's defaults. Pure. */
import type { Environment } from "./env.ts";
import type { SettingsFile } from "./file.ts";
import { providerEntries } from "./models.ts";
import { type Dimension, dimensions, type Limit, type Pool } from "./pool.ts";
import { problemsOfPools } from "./pool-problems.ts";
import { isOfMinute, limitKeys, type PoolSettings } from "./pool-settings.ts";
import { groupsOf, type ProviderEntry, usualBurstSeconds, usualJitterMs } from "./provider-entry.ts";
import { unusable } from "./settings-error.ts";
import { overlay } from "./settings-object.ts";

/** Throws SettingsError when the file names a pool or provider that does not exist, or says what has no effect. */
export function buildPools(
  environment: Environment,
  file: SettingsFile,
  entries: Iterable<ProviderEntry> = providerEntries,
): ReadonlyMap<string, Pool> {
  const pools = [...entries].flatMap((entry) => {
    return [...groupsOf(entry)].map((group) => poolOf(group, entry, environment, file));
  });
  const problems = problemsOfPools(file, pools);
  if (problems.length > 0) throw unusable("millrace.yaml", problems);
  return new Map(pools.map((pool) => [pool.id, pool]));
}

function poolOf(group: string, entry: ProviderEntry, environment: Environment, file: SettingsFile): Pool {
  const id = `${entry.id}.${group}`;
  const own: PoolSettings = file.pools[id] ?? {};
  const ofProvider: PoolSettings = file.providers[entry.id] ?? {};
  const layers = [own, ofProvider];
  const requests = environment.requestsPerMinute(entry.requestsPerMinute.variable);
  const timeZone = own.timeZone ?? ofProvider.timeZone ?? entry.timeZone;
  const limits = dimensions.flatMap((dimension): Limit[] => {
    const usual = entry.limits.find((limit) => limit.dimension === dimension);
    const key = limitKeys[dimension];
    const said = firstSaid(own[key], dimension === "requests" ? requests : undefined, ofProvider[key]);
    if (said === null || (said === undefined && usual === undefined)) return [];
    return [
      {
        dimension,
        mode: isOfMinute(dimension)
          ? (own.modes?.[dimension] ?? ofProvider.modes?.[dimension] ?? usual?.mode ?? "sliding")
          : "day",
        limit: said ?? usual?.limit,
        fixed: said !== undefined,
        burstSeconds: burstOf(dimension, layers) ?? usual?.burstSeconds ?? usualBurstSeconds[dimension],
        timeZone,
      },
    ];
  });
  return {
    id,
    provider: entry.id,
    limits,
    concurrency:
      firstSaid(own.concurrency, ofProvider.concurrency, entry.concurrencyOf?.[group], entry.concurrency) ?? undefined,
    charge: overlay(overlay(entry.charge, ofProvider.charge), own.charge),
    jitterMs: own.jitterMs ?? ofProvider.jitterMs ?? usualJitterMs,
  };
}

/** Null says something: that there is no such limit. */
const firstSaid = (...values: readonly (number | null | undefined)[]): number | null | undefined =>
  values.find((value) => value !== undefined);

function burstOf(dimension: Dimension, layers: readonly PoolSettings[]): number | undefined {
  if (!isOfMinute(dimension)) return undefined;
  return layers
    .map(({ burstSeconds }) => (typeof burstSeconds === "object" ? burstSeconds[dimension] : burstSeconds))
    .find((seconds) => seconds !== undefined);
}
