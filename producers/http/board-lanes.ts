/** Lanes as the board sees them: their switches reach the ledger, and lanes where nothing is going on are hidden. */
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { limitOf, type Pool } from "../../src/config/pool.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { pausedLanes } from "../../src/ledger/toggles.ts";
import { queueNameOf, type Side, sides } from "../../src/queue/lane-job.ts";
import { switchLaneOff, switchLaneOn } from "../lane-switch.ts";

export interface BoardLanes {
  readonly adapters: readonly BullMQAdapter[];
  /** Bull Board's own "pause all" leaves out the lanes it does not show. */
  pauseAll(): Promise<void>;
}

export function boardLanes(fleet: Fleet): BoardLanes {
  const pools = [...fleet.config.catalog.pools.values()];
  const shown = shownQueues(fleet, pools);
  return {
    adapters: pools.flatMap((pool) => sides.map((side) => new LaneAdapter(fleet, pool, side, shown))),
    async pauseAll() {
      for (const pool of pools) await switchLaneOff(fleet, pool.id, boardReason);
      shown.forget();
    },
  };
}

const sideWords: Readonly<Record<Side, string>> = { main: "standard and bulk", express: "interactive" };
const limiterMax = 1_000_000_000;
const boardReason = "paused on the board";

/** A limit that nobody has set is learned from what the provider says and refuses. */
function limitWords(pool: Pool): string {
  const requests = limitOf(pool, "requests");
  const rate = requests === undefined ? "requests/min learned" : `${requests} requests/min`;
  return `${rate}, ${pool.concurrency === undefined ? "calls at once learned" : `${pool.concurrency} at once`}`;
}

/** One side of a lane. Its switch is the lane's: half a paused lane would be none. */
class LaneAdapter extends BullMQAdapter {
  readonly #queue: ReturnType<Fleet["lanes"]["queue"]>;
  readonly #fleet: Fleet;
  readonly #lane: string;
  readonly #shown: ShownQueues;

  constructor(fleet: Fleet, pool: Pool, side: Side, shown: ShownQueues) {
    const queue = fleet.lanes.queue(pool.id, side);
    super(queue, {
      // Takes the buttons away; a caller who has none is refused by refusalOfAction.
      allowRetries: false,
      description: `${sideWords[side]}; ${limitWords(pool)} for both`,
      externalJobUrl: (job) => ({ displayText: "Request in the ledger", href: `/v1/requests/${job.data.requestId}` }),
    });
    this.#queue = queue;
    this.#fleet = fleet;
    this.#lane = pool.id;
    this.#shown = shown;
    // Hidden means left out of the list; whoever names a queue gets it.
    this.setVisibilityGuard(({ params }) => params["queueName"] !== undefined || shown.has(queueNameOf(pool.id, side)));
  }

  /** Workers have a limiter that never closes by itself (see queue/consume.ts); its count is no limit to show. */
  override async getActiveRateLimitTtl(): Promise<number> {
    return Math.max(0, await this.#queue.getRateLimitTtl(limiterMax));
  }

  /** Takes the dialogue away; limits are admission's. */
  override get supportsGlobalRateLimit(): boolean {
    return false;
  }

  override async pause(): Promise<void> {
    await switchLaneOff(this.#fleet, this.#lane, boardReason);
    this.#shown.forget();
  }

  override async resume(): Promise<void> {
    await switchLaneOn(this.#fleet, this.#lane);
    this.#shown.forget();
  }
}

interface ShownQueues {
  has(name: string): Promise<boolean>;
  /** The next question is answered from what is, not from what was. */
  forget(): void;
}

/** One look serves all queues of a refresh and every open browser. */
const lookMs = 1_500;

function shownQueues(fleet: Fleet, pools: readonly Pool[]): ShownQueues {
  let known: { readonly until: number; readonly names: Promise<ReadonlySet<string>> } | undefined;
  return {
    async has(name) {
      if (known === undefined || Date.now() > known.until) {
        known = { until: Date.now() + lookMs, names: busyQueues(fleet, pools) };
      }
      return (await known.names).has(name);
    },
    forget() {
      known = undefined;
    },
  };
}

/** Queues with jobs of any kind and paused ones; a fleet that has done nothing yet shows the lanes it has keys for. */
async function busyQueues(fleet: Fleet, pools: readonly Pool[]): Promise<ReadonlySet<string>> {
  // A ledger that is away hides no jobs.
  const paused = await pausedLanes(fleet.ledger).catch(() => new Set<string>());
  const looked = await Promise.all(
    pools.flatMap((pool) =>
      sides.map(async (side) => {
        const counts = await fleet.lanes.queue(pool.id, side).getJobCounts();
        const busy = Object.values(counts).some((jobs) => jobs > 0) || (side === "main" && paused.has(pool.id));
        return { name: queueNameOf(pool.id, side), busy };
      }),
    ),
  );
  const busy = looked.filter((queue) => queue.busy).map((queue) => queue.name);
  return new Set(busy.length > 0 ? busy : pools.filter((pool) => hasKey(fleet, pool)).map((pool) => pool.id));
}

const hasKey = (fleet: Fleet, pool: Pool): boolean => fleet.config.credentials.get(pool.provider)?.apiKey !== undefined;
