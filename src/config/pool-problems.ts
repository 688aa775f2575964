/** What a settings file says of pools that is well formed and still means nothing. Pure. */
import type { SettingsFile } from "./file.ts";
import type { Dimension, Pool } from "./pool.ts";
import { limitKeys, minuteDimensions, type PoolSettings } from "./pool-settings.ts";

/** Each as `path: what is wrong and what is possible`. `pools` are those built from the file. */
export function problemsOfPools(file: SettingsFile, pools: readonly Pool[]): string[] {
  const providers = [...new Set(pools.map((pool) => pool.provider))];
  return [
    ...Object.entries(file.providers).flatMap(([id, settings]) =>
      providers.includes(id)
        ? idleSettings(
            `providers.${id}`,
            settings,
            pools.filter((pool) => pool.provider === id),
          )
        : [
            `providers.${id}: no such provider; one of your own needs like and baseUrl; possible: ${providers.join(", ")}`,
          ],
    ),
    ...Object.entries(file.pools).flatMap(([id, settings]) => {
      const own = pools.filter((pool) => pool.id === id);
      return own.length > 0
        ? idleSettings(`pools.${id}`, settings, own)
        : [`pools.${id}: no such pool; possible: ${pools.map((pool) => pool.id).join(", ")}`];
    }),
  ];
}

/** Settings must reach a limit in at least one of the pools they are for. */
function idleSettings(path: string, settings: PoolSettings, pools: readonly Pool[]): string[] {
  const limits = pools.flatMap((pool) => pool.limits);
  const isMetered = (dimension: Dimension) => limits.some((limit) => limit.dimension === dimension);
  const buckets = limits.filter((limit) => limit.mode === "bucket").map((limit) => limit.dimension);
  const { modes, burstSeconds, timeZone } = settings;
  const unmetered = namedIn(modes).filter((dimension) => !isMetered(dimension));
  const bursts = typeof burstSeconds === "object" ? namedIn(burstSeconds) : [];
  return [
    ...unmetered.map(
      (dimension) => `${path}.modes.${dimension}: there is no such limit here; set ${limitKeys[dimension]} as well`,
    ),
    ...bursts
      .filter((dimension) => !buckets.includes(dimension))
      .map((dimension) => `${path}.burstSeconds.${dimension}: ${onlyBuckets(isMetered(dimension), dimension)}`),
    ...(typeof burstSeconds === "number" && buckets.length === 0
      ? [`${path}.burstSeconds: only a bucket has a burst, and none of these limits is one; set modes, or leave it out`]
      : []),
    ...(timeZone !== undefined && !limits.some((limit) => limit.mode === "day")
      ? [`${path}.timeZone: only daily limits have one; set requestsPerDay or tokensPerDay, or leave it out`]
      : []),
  ];
}

const onlyBuckets = (metered: boolean, dimension: Dimension): string =>
  metered
    ? `only a bucket has a burst; set modes.${dimension}: bucket, or leave it out`
    : `there is no such limit here; set ${limitKeys[dimension]} as well`;

const namedIn = (settings: PoolSettings["modes"] | Exclude<PoolSettings["burstSeconds"], number>) =>
  minuteDimensions.filter((dimension) => settings?.[dimension] !== undefined);
