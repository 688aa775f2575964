/** Every kind of worker in one process: feeder, reconciler, and provider workers for every provider that has a key. */
import type { Fleet } from "../src/fleet/fleet.ts";
import { writeProviderConfigs } from "../src/ledger/provider-configs.ts";
import { startFeeder } from "./feeder.ts";
import { startProviderWorker } from "./provider-worker.ts";
import { startReconciler } from "./reconciler.ts";

export interface AllWorkers {
  /** Stops taking work, lets calls in flight finish for `graceMs`, hands the rest back unspent. */
  drain(graceMs: number): Promise<void>;
}

export async function startAll(
  fleet: Fleet,
  options: { readonly onError: (error: unknown) => void },
): Promise<AllWorkers> {
  const withKey = [...fleet.config.credentials]
    .filter(([, credential]) => credential.apiKey !== undefined)
    .map(([id]) => id);
  await writeProviderConfigs(fleet.ledger, fleet.config);
  const feeder = startFeeder(fleet, options.onError);
  const reconciler = startReconciler(fleet, options.onError);
  const worker = startProviderWorker(fleet, { providers: withKey, onError: options.onError });
  return {
    async drain(graceMs) {
      await Promise.all([feeder.stop(), reconciler.stop(), worker.drain(graceMs)]);
    },
  };
}
