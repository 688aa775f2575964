/** What every benchmark shares: flags, private services that it starts and ends, and how figures are printed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import type { Connection } from "../../src/provider/provider.ts";

export interface Bench {
  /** Done within 50 seconds on two cores. */
  readonly quick: boolean;
  readonly fleet: Fleet;
  say(line: string): void;
}

/** Runs `work` on private services; its figures are printed, with --json as the last line. */
export async function bench(
  name: string,
  work: (bench: Bench) => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  const quick = process.argv.includes("--quick");
  const json = process.argv.includes("--json");
  const say = (line: string) => (json ? process.stderr : process.stdout).write(`${line}\n`);
  const directory = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  const fleet = await openFleet({
    directory,
    environment: {
      ...inherited(["PATH", "REDIS_URL", "DATABASE_URL", "LANG"]),
      ANTHROPIC_API_KEY: "sim-bench",
      OPENAI_API_KEY: "sim-bench",
      CLAUDE_RPM: "10000000",
      MILLRACE_CONFIG: await benchSettings(directory),
    },
  });
  try {
    say(`${name}${quick ? " (quick)" : ""}, Node ${process.version}`);
    const figures = await work({ quick, fleet, say });
    for (const [figure, value] of Object.entries(figures)) say(`  ${figure.padEnd(28)} ${round(value)}`);
    if (json)
      process.stdout.write(
        `${JSON.stringify(Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, round(value)])))}\n`,
      );
  } finally {
    await fleet.close();
    await rm(directory, { recursive: true, force: true });
  }
}

const inherited = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, process.env[name]]));

/** Limits far above what is measured, so that the gate decides every time and never refuses. */
async function benchSettings(directory: string): Promise<string> {
  const { writeFile } = await import("node:fs/promises");
  const path = join(directory, "millrace.json");
  const limits = { requestsPerMinute: 100_000_000, concurrency: 100_000 };
  await writeFile(path, JSON.stringify({ providers: { anthropic: limits }, worker: { slotsPerLane: 800 } }));
  return path;
}

/** A provider in this process that answers at once: what is measured is everything around the call. */
export const instantConnection: Connection = {
  call: async () => ({
    ok: true,
    text: "The customer asks for a refund because the parcel came late and one part was missing. ".repeat(10),
    finish: { unified: "stop", raw: "end_turn" },
    usage: { inputTokens: 1_155, outputTokens: 211 },
    providerRequestId: "req_bench",
  }),
  probe: async () => ({ ok: true, text: "instant", finish: { unified: "stop", raw: "stop" }, usage: {} }),
};

const round = (value: number): number => Number(value.toPrecision(4));

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
