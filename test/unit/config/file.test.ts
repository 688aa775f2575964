import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readSettingsFile } from "../../../src/config/file.ts";
import { SettingsError } from "../../../src/config/settings-error.ts";

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), "millrace settings-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const retryOn = ["capacity", "server", "timeout", "network", "stream"];

describe("the settings file", () => {
  it("is not needed: there are defaults", () => {
    expect(readSettingsFile(folderWith({}))).toEqual({
      providers: {},
      pools: {},
      models: {},
      prices: {},
      fallback: { maxWaitMs: 10_000 },
      attempts: { perDeployment: 3, total: 6, schemaRetries: 2, baseMs: 500, capMs: 30_000, retryOn },
      retries: { share: 0.2, floorPerSecond: 10 },
      circuit: { threshold: 5, coolDownMs: 60_000, ratio: 0.5, minimumCalls: 20, windowSeconds: 10 },
      timeouts: { firstTokenMs: 60_000, idleMs: 30_000, totalMs: 600_000 },
      worker: {
        slotsPerLane: 50,
        leaseMs: 60_000,
        drainGraceMs: 20_000,
        heldAnswersMb: 64,
        stuckSeconds: 120,
        maxLagMs: 2_000,
      },
      backlog: { tenants: {} },
      retention: {},
      capture: { default: "on", tenants: {}, deliveryHours: 24 },
      webhooks: { allowPrivate: false },
    });
  });

  it.each(["millrace.yaml", "millrace.yml"])("is read as %s, and what it does not say keeps its default", (name) => {
    const settings = readSettingsFile(
      folderWith({ [name]: "attempts:\n  total: 9\nmodels:\n  fast: [openai/gpt-5-mini]\n" }),
    );
    expect(settings.attempts).toEqual({
      perDeployment: 3,
      total: 9,
      schemaRetries: 2,
      baseMs: 500,
      capMs: 30_000,
      retryOn,
    });
    expect(settings.models).toEqual({ fast: ["openai/gpt-5-mini"] });
  });

  it("may be JSON, and may be empty", () => {
    expect(readSettingsFile(folderWith({ "millrace.json": '{"worker":{"slotsPerLane":7}}' })).worker.slotsPerLane).toBe(
      7,
    );
    expect(readSettingsFile(folderWith({ "millrace.yaml": "" })).worker.slotsPerLane).toBe(50);
  });

  it("is looked for where it is named, and a name without a file is an error", () => {
    const folder = folderWith({ "other.yaml": "primaryProvider: gemini" });
    expect(readSettingsFile(folder, "other.yaml").primaryProvider).toBe("gemini");
    expect(() => readSettingsFile(folder, "gone.yaml")).toThrow(/MILLRACE_CONFIG names gone\.yaml/);
  });

  it.each([
    [
      "a key that is misspelled",
      "atempts: {}",
      "(top): unknown: atempts; possible: primaryProvider, fallbackChain, providers",
    ],
    ["a deployment without a provider", "models:\n  fast: [gpt-5-mini]", "models.fast.0: must be provider/model"],
    [
      "a limit of nothing",
      "pools:\n  anthropic.haiku: { requestsPerMinute: 0 }",
      "pools.anthropic.haiku.requestsPerMinute",
    ],
    ["a timeout that no timer can hold", "timeouts: { totalMs: 3000000000 }", "timeouts.totalMs"],
    ["a model that says too much", "models:\n  fast: { deployments: [a/b], wait: 1 }", "models.fast: unknown: wait"],
    ["a model that says too little", "models:\n  fast: {}", "models.fast.deployments: Invalid input: expected array"],
    ["a model that is neither list nor object", "models:\n  fast: 3", "models.fast: Invalid input: expected array"],
    ["a wait that runs backwards", "fallback: { maxWaitMs: -1 }", "fallback.maxWaitMs: Too small"],
    ["a share above the whole", "retries: { share: 1.5 }", "retries.share: Too big"],
    ["a circuit that is always open", "circuit: { ratio: 0 }", "circuit.ratio: Too small"],
    [
      "a retry of what no retry helps",
      "attempts: { retryOn: [auth] }",
      'attempts.retryOn.0: Invalid option: expected one of "capacity"|"server"',
    ],
    [
      "a total for one provider",
      "providers:\n  openai: { attempts: { total: 3 } }",
      "providers.openai.attempts: unknown: total; possible: perDeployment, schemaRetries, baseMs, capMs, retryOn",
    ],
    ["a bound that lets nothing in", "backlog: { maxOpen: 0 }", "backlog.maxOpen: Too small"],
    ["a capture that is none", "capture: { tenants: { acme: some } }", "capture.tenants.acme: Invalid option"],
    ["a time that runs backwards", "retention: { resultsDays: -1 }", "retention.resultsDays: Too small"],
    ["text that is not YAML", "a: [", "is not YAML"],
  ])("refuses %s and names the place", (_what, text, place) => {
    const read = () => readSettingsFile(folderWith({ "millrace.yaml": text }));
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(place);
  });
});
