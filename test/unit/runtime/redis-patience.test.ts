import { describe, expect, test } from "vitest";
import {
  isConnectionError,
  redisPatience,
  redisSilence,
  redisTrouble,
  runIdOf,
} from "../../../src/runtime/redis-patience.ts";

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe("an error that says that Redis is away", () => {
  test.each([
    ["OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:3.", /maxmemory/],
    ["ERR Error running script (call to f_1): @user_script:3: @user_script: 3: -OOM command not allowed", /maxmemory/],
    ["READONLY You can't write against a read only replica.", /primary/],
    ["UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", /primary/],
    ["LOADING Redis is loading the dataset in memory", /loading/],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /lost its primary/],
    ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", /disk/],
    ["CLUSTERDOWN Hash slot not served", /slots/],
    ["BUSY Redis is busy running a script.", /script/],
  ])("is worded with what to do: %s", (message, words) => {
    expect(redisTrouble(named("ReplyError", message))).toMatch(words);
  });

  test.each([
    named("MaxRetriesPerRequestError", "Reached the max retries per request limit (which is 2)."),
    new Error("Connection is closed."),
    new Error("Command timed out"),
    redisSilence(Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" })),
  ])("is told from its name or its words: %s", (error) => {
    expect(redisTrouble(error)).toBe("Redis does not answer");
  });

  test.each([
    new Error("a bug of ours"),
    named("ReplyError", "WRONGTYPE Operation against a key holding the wrong kind of value"),
    named("ReplyError", "ERR the word READONLY within a sentence"),
    Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" }),
    "OOM",
    undefined,
  ])("is told from everything else: %s", (error) => {
    expect(redisTrouble(error)).toBeUndefined();
  });
});

test("an error of a connection is told from an answer", () => {
  expect(isConnectionError(Object.assign(new Error("connect ECONNREFUSED"), { syscall: "connect" }))).toBe(true);
  expect(isConnectionError(named("ReplyError", "OOM command not allowed"))).toBe(false);
});

test("a connection is tried again within about a second, however long Redis was away", () => {
  const waits = Array.from({ length: 2_000 }, (_, at) => redisPatience.retryStrategy(at + 1));
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_100);
  expect(Math.min(...waits.slice(0, 3))).toBeLessThan(200);
  expect(Math.min(...waits.slice(10))).toBeGreaterThanOrEqual(1_000);
});

test("the id of a server process is read from what it tells of itself", () => {
  expect(runIdOf("# Server\r\nredis_version:7.0.15\r\nrun_id:0a1b2c\r\ntcp_port:6379\r\n")).toBe("0a1b2c");
  expect(runIdOf("# Server\r\n")).toBe("");
});
