import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { tenantBound } from "../../../src/config/backlog.ts";
import { loadConfig } from "../../../src/config/config.ts";

const names = [
  { id: "anthropic", environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: ["ANTHROPIC_BASE_URL"] } },
  { id: "gemini", environment: { apiKey: ["GOOGLE_API_KEY", "GEMINI_API_KEY"], baseUrl: ["GEMINI_BASE_URL"] } },
];

it("a process' settings are read once, frozen, with each provider's key or the name of what is missing", () => {
  const folder = join(tmpdir(), "no settings here");
  const config = loadConfig(names, folder, { GEMINI_API_KEY: "g", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" });
  expect(Object.isFrozen(config)).toBe(true);
  expect(config.home).toBe(join(folder, ".millrace"));
  expect(config.credentials).toEqual(
    new Map([
      ["anthropic", { apiKey: undefined, baseUrl: "http://127.0.0.1:1", more: {}, variable: "ANTHROPIC_API_KEY" }],
      ["gemini", { apiKey: "g", baseUrl: undefined, more: {}, variable: "GOOGLE_API_KEY" }],
    ]),
  );
});

const folder = (settings: object) => {
  const path = mkdtempSync(join(tmpdir(), "millrace config-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  writeFileSync(join(path, "millrace.json"), JSON.stringify(settings));
  return path;
};

it("the backlog is bounded as the environment says, else as the file says, else not at all; a tenant's own bound stays", () => {
  const tenants = { busy: { maxOpen: 5 } };
  const said = folder({ backlog: { maxOpen: 900, maxOpenPerTenant: 90, tenants } });
  expect(loadConfig(names, folder({}), {}).backlog).toEqual({ tenants: {} });
  expect(loadConfig(names, said, {}).backlog).toEqual({ maxOpen: 900, maxOpenPerTenant: 90, tenants });
  expect(loadConfig(names, said, { BACKLOG_MAX_OPEN: "100" }).backlog).toEqual({
    maxOpen: 100,
    maxOpenPerTenant: 90,
    tenants,
  });
  const ofTenant = loadConfig(names, said, { BACKLOG_MAX_OPEN_PER_TENANT: "7" }).backlog;
  expect(ofTenant).toEqual({ maxOpen: 900, maxOpenPerTenant: 7, tenants });
  expect([tenantBound(ofTenant, "busy"), tenantBound(ofTenant, "other")]).toEqual([5, 7]);
  for (const bound of ["0", "-1", "1.5", "many"])
    expect(() => loadConfig(names, said, { BACKLOG_MAX_OPEN: bound })).toThrow("BACKLOG_MAX_OPEN");
});

it("private receivers of webhooks are allowed as the environment says, else as the file says, else not", () => {
  const said = folder({ webhooks: { allowPrivate: true } });
  const allowed = (path: string, environment = {}) => loadConfig(names, path, environment).webhooks.allowPrivate;
  expect([allowed(folder({})), allowed(said)]).toEqual([false, true]);
  expect(allowed(said, { MILLRACE_ALLOW_PRIVATE_URLS: "false" })).toBe(false);
  expect(allowed(folder({}), { MILLRACE_ALLOW_PRIVATE_URLS: "true" })).toBe(true);
  expect(() => allowed(said, { MILLRACE_ALLOW_PRIVATE_URLS: "yes" })).toThrow("MILLRACE_ALLOW_PRIVATE_URLS");
});

describe("a circuit", () => {
  it("opens and cools down as the environment says, else as the file says, else as usual", () => {
    const said = folder({ circuit: { threshold: 9, coolDownMs: 1_000, windowSeconds: 30 } });
    const usual = { threshold: 5, coolDownMs: 60_000, ratio: 0.5, minimumCalls: 20, windowSeconds: 10 };
    expect(loadConfig(names, folder({}), {}).circuit).toEqual(usual);
    const ofFile = { ...usual, threshold: 9, coolDownMs: 1_000, windowSeconds: 30 };
    expect(loadConfig(names, said, {}).circuit).toEqual(ofFile);
    expect(loadConfig(names, said, { PROVIDER_CIRCUIT_THRESHOLD: "2" }).circuit).toEqual({ ...ofFile, threshold: 2 });
    expect(loadConfig(names, said, { PROVIDER_CIRCUIT_TIMEOUT: "200" }).circuit).toEqual({
      ...ofFile,
      coolDownMs: 200,
    });
  });

  it("stands beside a budget of retries", () => {
    expect(loadConfig(names, folder({ retries: { floorPerSecond: 0 } }), {}).retries).toEqual({
      share: 0.2,
      floorPerSecond: 0,
    });
  });
});
