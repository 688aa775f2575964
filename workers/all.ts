/** Every kind of worker in one process: feeder, reconciler, sender of webhooks, and provider workers for every provider that has a key. */
import type { Fleet } from "../src/fleet/fleet.ts";
import { writeProviderConfigs } from "../src/ledger/provider-configs.ts";
import type { Connection } from "../src/provider/provider.ts";
import type { Say } from "./circuit-news.ts";
import { startFeeder } from "./feeder.ts";
import { startProviderWorker } from "./provider-worker.ts";
import { startReconciler } from "./reconciler.ts";
import { startWebhookSender } from "./webhook-sender.ts";

export interface AllWorkers {
  /** Stops taking work, lets calls in flight finish for `graceMs`, hands the rest back unspent. */
  drain(graceMs: number): Promise<void>;
}

export interface AllWorkersOptions {
  readonly onError: (error: unknown) => void;
  readonly say?: Say;
  /** Instead of the registry's, for benchmarks and tests. */
  readonly connections?: ReadonlyMap<string, Connection>;
  /** See provider-worker.ts. */
  readonly onTrouble?: (reason: string) => void;
}

export async function startAll(fleet: Fleet, options: AllWorkersOptions): Promise<AllWorkers> {
  const withKey = [...fleet.config.credentials]
    .filter(([, credential]) => credential.apiKey !== undefined)
    .map(([id]) => id);
  await writeProviderConfigs(fleet.ledger, fleet.config);
  const feeder = startFeeder(fleet, options.onError);
  const reconciler = startReconciler(fleet, options.onError);
  const webhooks = startWebhookSender(fleet, { onError: options.onError });
  const worker = startProviderWorker(fleet, { ...options, providers: withKey });
  return {
    async drain(graceMs) {
      await Promise.all([feeder.stop(), reconciler.stop(), webhooks.stop(), worker.drain(graceMs)]);
    },
  };
}
