/** A fleet on a test's own databases, with settings and limits of the test's choice. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import type { settingsFileSchema } from "../../src/config/file.ts";
import { type Fleet, type FleetOptions, openFleet } from "../../src/fleet/fleet.ts";
import type { Telemetry } from "../../src/telemetry/telemetry.ts";
import type { TestServices } from "./services.ts";

export interface FleetWish {
  /** What `millrace.yaml` would say. */
  readonly settings?: DeepPartial<z.input<typeof settingsFileSchema>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly telemetry?: Telemetry;
  /** Told what is to be closed, last first; when the test ends unless given. */
  readonly onEnd?: (close: () => void | Promise<void>) => void;
}

type DeepPartial<T> = { readonly [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };

/** Far above what a test does: limits of a provider that is not to limit. */
export const unlimited = { requestsPerMinute: 10_000_000, concurrency: 1_000 };

/** For tests of failures that go on although no provider would be called any more. */
export const neverOpens = { threshold: 1_000, minimumCalls: 1_000_000 };

/** Opens a fleet with keys for all three providers and closes it when the test ends. */
export async function openTestFleet(services: TestServices, wish: FleetWish = {}): Promise<Fleet> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-fleet-"));
  const settings = {
    providers: { anthropic: unlimited, openai: unlimited, gemini: unlimited },
    ...wish.settings,
    worker: { slotsPerLane: 50, leaseMs: 2_000, ...wish.settings?.worker },
  };
  writeFileSync(join(directory, "millrace.json"), JSON.stringify(settings));
  const environment = {
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
    ANTHROPIC_API_KEY: "key-a",
    OPENAI_API_KEY: "key-o",
    GOOGLE_API_KEY: "key-g",
    ...wish.environment,
  };
  const onEnd = wish.onEnd ?? onTestFinished;
  onEnd(() => rmSync(directory, { recursive: true, force: true }));
  const { telemetry } = wish;
  return open({ directory, environment, ...(telemetry === undefined ? {} : { telemetry }) }, onEnd);
}

const opened = new WeakMap<Fleet, FleetOptions>();

async function open(
  options: FleetOptions,
  onEnd: (close: () => void | Promise<void>) => void = onTestFinished,
): Promise<Fleet> {
  const fleet = await openFleet(options);
  opened.set(fleet, options);
  onEnd(() => fleet.close());
  return fleet;
}

/** The same settings, but for those given, and services again, as another process would open them. */
export function openBeside(fleet: Fleet, settings?: FleetWish["settings"]): Promise<Fleet> {
  const options = opened.get(fleet);
  if (options === undefined) throw new Error("this fleet was not opened by openTestFleet");
  if (settings !== undefined) writeFileSync(join(options.directory, "millrace.json"), JSON.stringify(settings));
  return open(options);
}
