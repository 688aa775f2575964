/** The peers: the same requests, processes, slots and simulator, each with its own key, so that its limits are its own. */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { endChildren, peerScript, startChild } from "./children.ts";
import type { Judgement } from "./judge.ts";
import { run, type Scene, slotsOf } from "./scene.ts";
import type { QuotaShape } from "./shapes.ts";
import type { Length } from "./trace.ts";

export const peerArms = ["bullmqLimiter", "fixedWindow", "staticSplit", "sdkRetries"] as const;
export type PeerArm = (typeof peerArms)[number];

export interface PeerShape {
  readonly queue: string;
  readonly vendor: QuotaShape["vendor"];
  readonly model: string;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** The provider charges the caller's maximum, not what is produced. */
  readonly reservesMaximum: boolean;
  /** What the limits allow of mean requests: what a limit in requests is set to. */
  readonly meanPerSecond: number;
}

export interface PeerOrder {
  readonly arm: PeerArm;
  readonly redisUrl: string;
  readonly apiKey: string;
  readonly baseUrls: { readonly anthropic: string; readonly openai: string };
  readonly processes: number;
  readonly slots: number;
  readonly burstSeconds: number;
  /** Of the BullMQ limiter: share of the mean rate that it is set to. */
  readonly setting: number;
  readonly shapes: readonly PeerShape[];
}

let runs = 0;

export async function peer(
  scene: Scene,
  arm: PeerArm,
  processes: number,
  shapes: readonly QuotaShape[],
  setting = 1,
): Promise<ReadonlyMap<QuotaShape["name"], Judgement>> {
  runs += 1;
  const apiKey = `sim-peer-${2_000 + runs}`;
  const order: PeerOrder = {
    arm,
    redisUrl: scene.fleet.redisUrl,
    apiKey,
    baseUrls: scene.simulator.baseUrls,
    processes,
    slots: slotsOf(processes),
    burstSeconds: scene.burstSeconds,
    setting,
    shapes: shapes.map((shape) => peerShape(shape, `peer-${runs}-${shape.name}`)),
  };
  const redis = new Redis(scene.fleet.redisUrl, { maxRetriesPerRequest: null });
  const children = await Promise.all(
    Array.from({ length: processes }, () =>
      startChild([peerScript], /peer works/, { PEER: JSON.stringify(order) }, process.cwd()),
    ),
  );
  const queues = new Map(
    shapes.map(({ name }, at) => [name, new Queue<Length>(order.shapes[at]?.queue ?? "", { connection: redis })]),
  );
  const all = [...queues.values()];
  try {
    return await run(
      scene,
      {
        key: apiKey,
        handIn: async (shape, requests) => {
          const jobs = requests.map((data) => ({ name: shape.model, data, opts: { removeOnComplete: true } }));
          await queues.get(shape.name)?.addBulk(jobs);
        },
        pause: () => Promise.all(all.map((queue) => queue.pause())),
        resume: () => Promise.all(all.map((queue) => queue.resume())),
      },
      shapes,
    );
  } finally {
    await endChildren(children, "SIGKILL");
    for (const queue of all) await queue.obliterate({ force: true }).catch(() => {});
    redis.disconnect();
  }
}

function peerShape(shape: QuotaShape, queue: string): PeerShape {
  const { limits } = shape;
  const number = (name: string) => (typeof limits[name] === "number" ? limits[name] : Number.POSITIVE_INFINITY);
  return {
    queue,
    vendor: shape.vendor,
    model: shape.model,
    requestsPerMinute: number("requestsPerMinute"),
    tokensPerMinute: Math.min(1e12, number("tokensPerMinute"), number("inputTokensPerMinute")),
    reservesMaximum: limits["tokensPerMinute"] !== undefined && limits["refund"] !== true,
    meanPerSecond: shape.perSecond,
  };
}
