/** What Redis says to one look: windows, workers, pools, circuits. Nothing is written. */
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import { openCircuits } from "../../../src/admission/circuits.ts";
import { openPoolLook } from "../../../src/admission/pool-look.ts";
import type { PoolStatus } from "../../../src/admission/pool-status.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { sides } from "../../../src/queue/lane-job.ts";
import { type Workers, workersIn } from "../../workers-in.ts";

export interface RedisFacts {
  /** Jobs of both sides that wait for a worker, by lane. */
  readonly windows: ReadonlyMap<string, number>;
  /** Processes that take from a lane, of the lanes that were asked about. */
  readonly workers: ReadonlyMap<string, number | undefined>;
  readonly pools: ReadonlyMap<string, PoolStatus>;
  readonly circuits: readonly CircuitStatus[];
}

export interface RedisQuestion {
  /** Lanes whose workers are told. */
  readonly busyLanes: readonly string[];
  readonly deployments: readonly string[];
}

export interface RedisLook {
  /** Rejects when Redis is away. */
  facts(question: RedisQuestion): Promise<RedisFacts>;
  close(): void;
}

/** Workers come and go seldom, and they are found in a list of all connections. */
const workersMs = 10_000;

export function openRedisLook(fleet: Fleet): RedisLook {
  const { catalog } = fleet.config;
  const pools = [...catalog.pools.values()];
  const poolLook = openPoolLook(fleet.redisUrl);
  const circuits = openCircuits(fleet.redisUrl, catalog);
  let counted: { readonly workers: Workers | undefined; readonly atMs: number } | undefined;

  async function windowOf(lane: string): Promise<[string, number]> {
    const depths = await Promise.all(sides.map((side) => fleet.lanes.depth(lane, side)));
    return [lane, depths.reduce((sum, { waiting }) => sum + waiting, 0)];
  }

  async function workersOf(lanes: readonly string[]): Promise<ReadonlyMap<string, number | undefined>> {
    const isOld = counted === undefined || performance.now() - counted.atMs > workersMs;
    // For a lane without any somebody may be on the way.
    if (isOld || lanes.some((lane) => !counted?.workers?.(lane))) {
      counted = { workers: await workersIn(fleet), atMs: performance.now() };
    }
    return new Map(lanes.map((lane) => [lane, counted?.workers?.(lane)]));
  }

  async function circuitsOf(deployments: readonly string[]): Promise<readonly CircuitStatus[]> {
    const providers = [...new Set(deployments.map((id) => id.slice(0, id.indexOf("/"))))];
    const found = await Promise.all(
      providers.map((provider) =>
        circuits.status(
          provider,
          deployments.filter((id) => id.startsWith(`${provider}/`)),
        ),
      ),
    );
    return found.flat();
  }

  return {
    async facts({ busyLanes, deployments }) {
      const [windows, workers, status, found] = await Promise.all([
        Promise.all(pools.map(({ id }) => windowOf(id))),
        workersOf(busyLanes),
        poolLook.status(pools),
        circuitsOf(deployments),
      ]);
      return { windows: new Map(windows), workers, pools: status, circuits: found };
    },
    close() {
      poolLook.close();
      circuits.close();
    },
  };
}
