import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { providerEntries } from "../../../src/config/models.ts";
import { providers } from "../../../src/provider/registry.ts";

const lines = readFileSync(".env.example", "utf8").split("\n");
const entries = lines.flatMap((line, at) => {
  const [, commented, name, value] = /^(#?)([A-Z][A-Z\d_]+)=(.*)$/.exec(line) ?? [];
  return name === undefined
    ? []
    : [{ name, value: value ?? "", isDefault: commented === "#", above: lines[at - 1] ?? "" }];
});
const documented = new Set(entries.map(({ name }) => name));

describe(".env.example", () => {
  it("names every variable that the settings are read from", () => {
    const source = readFileSync("src/config/env.ts", "utf8");
    const read = [...source.matchAll(/^ {2}([A-Z][A-Z\d_]+):/gm), ...source.matchAll(/"(OTEL_[A-Z_]+)"/g)].map(
      ([, name]) => name,
    );
    expect(read.length).toBeGreaterThan(15);
    expect(read.filter((name) => !documented.has(name ?? ""))).toEqual([]);
  });

  it("names every adapter's key and address", () => {
    const names = Object.values(providers).flatMap(({ environment }) => [
      ...environment.apiKey,
      ...environment.baseUrl,
      ...Object.values(environment.more ?? {}).flat(),
    ]);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it("names every variable that docker-compose.yml asks for", () => {
    const asked = [...readFileSync("docker-compose.yml", "utf8").matchAll(/\$\{([A-Z_\d]+)/g)].map(([, name]) => name);
    expect(asked.filter((name) => !documented.has(name ?? ""))).toEqual([]);
  });

  it("explains each in the line above, each once, and holds no secret", () => {
    for (const { name, above } of entries) expect(above, name).toMatch(/^# .{15,}\.|Default: /);
    expect(documented.size).toBe(entries.length);
    for (const { name, value } of entries.filter(({ name }) => /KEY|PASSWORD/.test(name))) expect(value, name).toBe("");
  });

  it("shows the true defaults", () => {
    const shown = Object.fromEntries(
      entries.filter(({ isDefault }) => isDefault).map(({ name, value }) => [name, value]),
    );
    const defaults = Object.entries(readEnvironment({})).filter(
      ([name, value]) => /^[A-Z]/.test(name) && value !== undefined,
    );
    expect(defaults.length).toBeGreaterThanOrEqual(5);
    for (const [name, value] of defaults) expect(shown[name], name).toBe(String(value));
  });

  it("shows the true defaults of what millrace.yaml may say as well", () => {
    const shown = new Map(entries.map(({ name, value }) => [name, value]));
    const { circuit } = settingsFileSchema.parse({});
    expect(shown.get("PROVIDER_CIRCUIT_THRESHOLD")).toBe(String(circuit.threshold));
    expect(shown.get("PROVIDER_CIRCUIT_TIMEOUT")).toBe(String(circuit.coolDownMs));
    for (const { requestsPerMinute, limits } of providerEntries) {
      const usual = limits.find(({ dimension }) => dimension === "requests")?.limit;
      expect(shown.get(requestsPerMinute.variable), requestsPerMinute.variable).toBe(`${usual ?? ""}`);
    }
  });
});
