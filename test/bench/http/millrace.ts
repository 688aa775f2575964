/** Millrace in a process of its own: HTTP and workers on private services, nothing switched off. Sums up its steps when asked. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHttp } from "../../../producers/http/server.ts";
import { openFleet } from "../../../src/fleet/fleet.ts";
import type { SpanName } from "../../../src/telemetry/events.ts";
import { silentTelemetry, type Telemetry } from "../../../src/telemetry/telemetry.ts";
import { startAll } from "../../../workers/all.ts";
import { benchSettings, percentile } from "../bench.ts";

const baseUrl = process.argv[2] ?? "";
const directory = await mkdtemp(join(tmpdir(), "millrace-bench-"));

/** Durations of spans in milliseconds. */
const taken = new Map<SpanName, number[]>();
const telemetry: Telemetry = {
  ...silentTelemetry,
  async span(name, options, work) {
    const started = performance.now();
    try {
      return await silentTelemetry.span(name, options, work);
    } finally {
      const times = taken.get(name) ?? [];
      times.push(performance.now() - started);
      taken.set(name, times);
    }
  },
};

const fleet = await openFleet({
  directory,
  telemetry,
  environment: {
    PATH: process.argv[3],
    OPENAI_API_KEY: "sim-bench",
    OPENAI_BASE_URL: baseUrl,
    MILLRACE_CONFIG: await benchSettings(directory),
  },
});
const http = await startHttp(fleet, { host: "127.0.0.1", port: 0 });
const workers = await startAll(fleet, { onError: (error) => process.stderr.write(`${error}\n`) });
process.on("message", () => {
  const steps = [...taken].map(([name, times]) => [name, percentile(times, 0.5)]);
  taken.clear();
  process.send?.(Object.fromEntries(steps));
});
process.once("SIGTERM", async () => {
  await http.close();
  await workers.drain(0);
  await fleet.close();
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
});
process.send?.({ url: http.url });
