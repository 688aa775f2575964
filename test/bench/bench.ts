/** What every benchmark shares: flags, private services that it starts and ends, and how figures are printed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { providerEntries } from "../../src/config/models.ts";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import type { Connection } from "../../src/provider/provider.ts";

export interface Bench {
  /** Done within 50 seconds on two cores. */
  readonly quick: boolean;
  readonly fleet: Fleet;
  /** Path of its settings file, for processes beside this one. */
  readonly settings: string;
  say(line: string): void;
}

export type Figures = Readonly<Record<string, number>>;

/** Runs `work` on private services; its figures are printed, with --json as the last line. */
export async function bench(
  name: string,
  work: (bench: Bench) => Promise<Figures>,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  const settings = await benchSettings(directory);
  const fleet = await openFleet({
    directory,
    environment: {
      ...inherited(["PATH", "REDIS_URL", "DATABASE_URL", "LANG"]),
      ANTHROPIC_API_KEY: "sim-bench",
      OPENAI_API_KEY: "sim-bench",
      CLAUDE_RPM: "10000000",
      MILLRACE_CONFIG: settings,
      ...environment,
    },
  });
  try {
    await figures(name, (said) => work({ ...said, fleet, settings }));
  } finally {
    await fleet.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same for work that needs no services. */
export async function figures(
  name: string,
  work: (bench: Pick<Bench, "quick" | "say">) => Promise<Figures>,
): Promise<void> {
  const quick = process.argv.includes("--quick");
  const json = process.argv.includes("--json");
  const say = (line: string) => (json ? process.stderr : process.stdout).write(`${line}\n`);
  say(`${name}${quick ? " (quick)" : ""}, Node ${process.version}`);
  const found = await work({ quick, say });
  for (const [figure, value] of Object.entries(found)) say(`  ${figure.padEnd(28)} ${round(value)}`);
  if (json)
    process.stdout.write(
      `${JSON.stringify(Object.fromEntries(Object.entries(found).map(([key, value]) => [key, round(value)])))}\n`,
    );
}

const inherited = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, process.env[name]]));

/** Limits far above what is measured, so that the gate decides every time and never refuses. */
export async function benchSettings(directory: string): Promise<string> {
  const { writeFile } = await import("node:fs/promises");
  const path = join(directory, "millrace.json");
  const limits = { requestsPerMinute: 100_000_000, concurrency: 100_000 };
  const providers = Object.fromEntries(providerEntries.map(({ id }) => [id, limits]));
  await writeFile(path, JSON.stringify({ providers, worker: { slotsPerLane: 800 } }));
  return path;
}

/** A provider in this process that answers at once: what is measured is everything around the call. */
export const instantConnection = {
  chat: async () => ({
    ok: true,
    text: "The customer asks for a refund because the parcel came late and one part was missing. ".repeat(10),
    finish: { unified: "stop", raw: "end_turn" },
    usage: { inputTokens: 1_155, outputTokens: 211 },
    providerRequestId: "req_bench",
  }),
  probe: async () => ({ ok: true, text: "instant", finish: { unified: "stop", raw: "stop" }, usage: {} }),
} satisfies Connection;

const round = (value: number): number => Number(value.toPrecision(4));

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
