import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { SettingsError } from "../../../src/config/settings-error.ts";

describe("the environment", () => {
  it("has a default for everything that the settings file does not say", () => {
    expect(readEnvironment({})).toMatchObject({
      MILLRACE_HOME: ".millrace",
      MILLRACE_PORT: 8787,
      MILLRACE_HOST: "127.0.0.1",
      MILLRACE_LOG: "info",
      MILLRACE_TENANT: "default",
      telemetryWanted: false,
    });
  });

  it("takes an empty variable for one that is not set", () => {
    const environment = readEnvironment({ CLAUDE_RPM: "", REDIS_URL: "", MILLRACE_PORT: "" });
    expect(environment).toMatchObject({ MILLRACE_PORT: 8787 });
    expect(environment.requestsPerMinute("CLAUDE_RPM")).toBeUndefined();
    expect(environment.REDIS_URL).toBeUndefined();
  });

  it("reads a list with commas, spaces or both", () => {
    expect(readEnvironment({ FALLBACK_CHAIN: " openai, gemini  anthropic," }).FALLBACK_CHAIN).toEqual([
      "openai",
      "gemini",
      "anthropic",
    ]);
  });

  it("names every wrong variable at once, with what it must be", () => {
    const read = () =>
      readEnvironment({ CLAUDE_RPM: "many", MILLRACE_PORT: "70000", REDIS_URL: "http://x", MILLRACE_LOG: "loud" });
    expect(read).toThrow(SettingsError);
    for (const name of ["CLAUDE_RPM", "MILLRACE_PORT", "REDIS_URL: must start with redis://", "MILLRACE_LOG"]) {
      expect(read).toThrow(name);
    }
  });

  it("never repeats the value of a wrong address, which may hold a password", () => {
    for (const environment of [
      { DATABASE_URL: "mysql://user:s3cret@host/db" },
      { DATABASE_URL: "postgres://user:s3cret/x@host/db" },
      { REDIS_URL: "redis://:s3cret#1@host:6379" },
    ]) {
      expect(() => readEnvironment(environment)).toThrow(/^(?!.*s3cret)/s);
    }
  });

  it("finds the first of several names that is set", () => {
    const environment = readEnvironment({ GOOGLE_API_KEY: "", GEMINI_API_KEY: "g" });
    expect(environment.first(["GOOGLE_API_KEY", "GEMINI_API_KEY"])).toBe("g");
    expect(environment.first(["OTHER"])).toBeUndefined();
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, true],
    [{ OTEL_TRACES_EXPORTER: "console" }, true],
    [{ OTEL_TRACES_EXPORTER: "none" }, false],
    [{}, false],
  ])("asks for telemetry by the standard variables alone: %o", (source, wanted) => {
    expect(readEnvironment(source).telemetryWanted).toBe(wanted);
  });

  it("is frozen", () => {
    expect(Object.isFrozen(readEnvironment({}))).toBe(true);
  });
});
