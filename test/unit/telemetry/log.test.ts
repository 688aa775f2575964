import { assert, describe, expect, it } from "vitest";
import { type LogLevel, openLog } from "../../../src/telemetry/log.ts";

function record(level: LogLevel) {
  const lines: string[] = [];
  const log = openLog(level, { write: (line) => lines.push(line) });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("log", () => {
  it("writes one JSON object per line with level, time, message and ids as fields", () => {
    const { log, lines, records } = record("info");
    log.child({ lane: "openai.mini" }).info("attempt finished", { requestId: "r-1", ms: 12 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(records()[0]).toMatchObject({
      level: "info",
      msg: "attempt finished",
      lane: "openai.mini",
      requestId: "r-1",
      ms: 12,
    });
    expect(new Date(String(records()[0]?.["time"])).getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it("says nothing below its level", () => {
    const { log, lines } = record("warn");
    log.info("not said");
    log.debug("not said");
    log.warn("said");
    log.error("said");
    expect(lines).toHaveLength(2);
    const silent = record("silent");
    silent.log.error("not said");
    expect(silent.lines).toEqual([]);
  });

  it("loses planted keys in message, fields, children and errors", () => {
    const { log, lines, records } = record("debug");
    const key = "sk-ant-api03-Zm9vYmFyYmF6";
    log.child({ apiKey: "plain" }).error(`refused ${key}`, {
      err: new Error(`bad key ${key}`, { cause: new Error(key) }),
      headers: { authorization: "Basic plain", "x-api-key": ["plain"] },
      url: "redis://:plain@host",
      prompt: "plain",
    });
    assert(lines[0] !== undefined);
    expect(lines[0]).not.toContain(key);
    expect(lines[0]).not.toContain("plain");
    expect(records()[0]).toMatchObject({ msg: "refused [key]", err: { type: "Error", message: "bad key [key]" } });
  });
});
