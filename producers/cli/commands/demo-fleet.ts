/** Everything that serves the demo's batch, in this process, and the care that it serves nothing else. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { openBatchesOf, openRequestsElsewhere } from "../../../src/ledger/batch-progress.ts";
import { cancelBatch } from "../../../src/ledger/batches.ts";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import type { RunningTelemetry } from "../../../src/telemetry/start.ts";
import { startAll } from "../../../workers/all.ts";
import { observeFleet } from "../../http/fleet-gauges.ts";
import { workersIn } from "../../workers-in.ts";
import { count } from "../amounts.ts";
import { CommandFailed } from "../exit.ts";
import { openComplaints } from "./batch-workers.ts";

/** The source by which the demo knows its own batches. */
export const demoSource = "millrace demo";

/**
 * The demo's workers answer from a simulator, and other workers answer from real providers: neither may get the other's
 * requests. Throws CommandFailed when they could; what an earlier demo left unfinished is cancelled.
 */
export async function refuseForeignWork(fleet: Fleet): Promise<void> {
  const workers = await workersIn(fleet);
  if ([...fleet.config.catalog.pools.keys()].some((lane) => (workers?.(lane) ?? 0) > 0)) {
    throw new CommandFailed(
      "Workers are running on this ledger (millrace up, maybe), and the demo's requests would go to them. Stop them, or run the demo in another folder.",
    );
  }
  const mine = await openBatchesOf(fleet.ledger, demoSource);
  const others = await openRequestsElsewhere(fleet.ledger, mine);
  if (others > 0) {
    throw new CommandFailed(
      `${count(others)} unfinished requests are in this ledger, and the demo's simulator would answer them. Finish them with \`millrace up\`, or run the demo in another folder.`,
    );
  }
  for (const id of mine) await cancelBatch(fleet.ledger, id);
}

export interface DemoFleet {
  /** Of the HTTP server. */
  readonly url: string;
  close(): Promise<void>;
}

export async function openDemoFleet(
  fleet: Fleet,
  { observe, metricsText }: RunningTelemetry,
  say: (line: string) => void,
): Promise<DemoFleet> {
  const { startHttp } = await import("../../http/server.ts");
  const gauges = observeFleet(fleet, observe);
  const port = await freePort(fleet.config.http.port);
  const http = await startHttp(fleet, { host: "127.0.0.1", port, metricsText });
  const workers = await startAll(fleet, { onError: openComplaints(say) });
  return {
    url: http.url,
    async close() {
      await workers.drain(1_000);
      await http.close();
      gauges.close();
    },
  };
}
