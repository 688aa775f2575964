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

describe("the settings file", () => {
  it("is not needed: there are defaults", () => {
    expect(readSettingsFile(folderWith({}))).toEqual({
      providers: {},
      pools: {},
      models: {},
      attempts: { perDeployment: 3, total: 6, baseMs: 500, capMs: 30_000 },
      timeouts: { firstTokenMs: 60_000, idleMs: 30_000, totalMs: 600_000 },
      worker: { slotsPerLane: 50, leaseMs: 60_000, drainGraceMs: 20_000 },
    });
  });

  it.each(["millrace.yaml", "millrace.yml"])("is read as %s, and what it does not say keeps its default", (name) => {
    const settings = readSettingsFile(
      folderWith({ [name]: "attempts:\n  total: 9\nmodels:\n  fast: [openai/gpt-5-mini]\n" }),
    );
    expect(settings.attempts).toEqual({ perDeployment: 3, total: 9, baseMs: 500, capMs: 30_000 });
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
    ["a key that is misspelled", "atempts: {}", "atempts"],
    ["a deployment without a provider", "models:\n  fast: [gpt-5-mini]", "models.fast.0: must be provider/model"],
    [
      "a limit of nothing",
      "pools:\n  anthropic.haiku: { requestsPerMinute: 0 }",
      "pools.anthropic.haiku.requestsPerMinute",
    ],
    ["a timeout that no timer can hold", "timeouts: { totalMs: 3000000000 }", "timeouts.totalMs"],
    ["text that is not YAML", "a: [", "is not YAML"],
  ])("refuses %s and names the place", (_what, text, place) => {
    const read = () => readSettingsFile(folderWith({ "millrace.yaml": text }));
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(place);
  });
});
