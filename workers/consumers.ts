/**
 * Consumers of lanes, each opened when its lane first has a job: a catalogue knows hundreds of lanes, each consumer takes
 * two connections to Redis, and a fleet uses a few. Which lanes have jobs is said by whoever adds them, and looked at.
 */
import { randomUUID } from "node:crypto";
import type { LaneConsumer } from "../src/queue/consume.ts";
import { queueNameOf, type Side } from "../src/queue/lane-job.ts";
import { listenForJobs } from "../src/queue/lane-news.ts";
import type { Lanes } from "../src/queue/lanes.ts";
import { servesName } from "../src/queue/presence.ts";
import { openLoop } from "../src/runtime/loop.ts";
import { within } from "../src/runtime/within.ts";

export interface LaneSide {
  readonly lane: string;
  readonly side: Side;
}

export interface ConsumersOptions<Place extends LaneSide> {
  readonly redisUrl: string;
  readonly lanes: Pick<Lanes, "hasJobs">;
  readonly places: readonly Place[];
  readonly open: (place: Place) => LaneConsumer;
  readonly onError: (error: unknown) => void;
}

/** For what nobody told of: jobs that were there before, that a dead worker left in hand, that came while Redis was away. */
const lookMs = 2_000;
const closePatienceMs = 1_000;

/** Closing waits until nothing is in flight. */
export function openConsumers<Place extends LaneSide>(options: ConsumersOptions<Place>): { close(): Promise<void> } {
  const closed = new Map(options.places.map((place) => [queueNameOf(place.lane, place.side), place]));
  const opened: LaneConsumer[] = [];
  let isOver = false;

  const open = (name: string): void => {
    const place = closed.get(name);
    if (place === undefined || isOver) return;
    closed.delete(name);
    opened.push(options.open(place));
  };

  async function look(): Promise<number> {
    const names = await Promise.all(
      [...closed].map(async ([name, { lane, side }]) => ((await options.lanes.hasJobs(lane, side)) ? [name] : [])),
    );
    for (const name of names.flat()) open(name);
    return lookMs;
  }

  const onError = (error: unknown) => {
    if (!isOver) options.onError(error);
  };
  const loop = openLoop(look, { onError, retryMs: lookMs });
  const connectionName = servesName(randomUUID(), [...new Set(options.places.map(({ lane }) => lane))]);
  const news = listenForJobs(options.redisUrl, { connectionName, heard: open, listening: loop.wake });

  return {
    async close() {
      isOver = true;
      news.close();
      // A look at a Redis that is away takes long, and nobody needs its answer any more.
      await Promise.all([within(closePatienceMs, loop.stop()), ...opened.map((consumer) => consumer.close())]);
    },
  };
}
