import { anything, assert, constantFrom, dictionary, oneof, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { describeError, redact, redactText } from "../../../src/telemetry/redact.ts";

const keys = [
  "sk-ant-api03-Zm9vYmFyYmF6",
  "sk-proj-1234567890abcdef",
  "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
  "xai-0123456789abcdef",
  "gsk_0123456789abcdef",
  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+/=",
];

describe("what may stand in a log line", () => {
  it.each(keys)("loses %s inside any text", (key) => {
    expect(redactText(`401 from provider: key "${key}" is wrong, see ?key=${key}`)).not.toContain(key);
  });

  it("loses bearer tokens and passwords in addresses, and keeps the rest", () => {
    expect(redactText("Bearer abc.def at redis://:hunter2@host:6379/0")).toBe(
      "Bearer [key] at redis://:[password]@host:6379/0",
    );
    expect(redactText("postgres://app:s3cr3t@db/millrace")).toBe("postgres://app:[password]@db/millrace");
    expect(redactText("task-12345678 on desk-1234567 is risk-free-today")).toBe(
      "task-12345678 on desk-1234567 is risk-free-today",
    );
  });

  it.each([
    "authorization",
    "Proxy-Authorization",
    "x-api-key",
    "apiKey",
    "x-goog-api-key",
    "OPENAI_API_KEY",
    "password",
    "clientSecret",
    "set-cookie",
    "access_token",
  ])("loses the value of %s, whatever it looks like", (name) => {
    expect(redact({ headers: { [name]: "plain-looking" }, list: [{ [name]: ["plain-looking"] }] })).toEqual({
      headers: { [name]: "[secret]" },
      list: [{ [name]: "[secret]" }],
    });
  });

  it.each(["prompt", "messages", "system", "content", "body", "text", "answer"])("loses content under %s", (name) => {
    expect(redact({ request: { [name]: [{ role: "user", words: "dear diary" }] } })).toEqual({
      request: { [name]: "[content]" },
    });
  });

  it("keeps counts, ids and labels", () => {
    const line = {
      requestId: "r-1",
      inputTokens: 12,
      messages: 3,
      lane: "openai.mini",
      tokens: 9,
      ok: true,
      none: null,
    };
    expect(redact(line)).toEqual(line);
  });

  it("loses a planted key wherever it sits", () => {
    const planted = oneof(
      constantFrom(...keys),
      tuple(string(), constantFrom(...keys)).map(([before, key]) => `${before} ${key}`),
    );
    const record = dictionary(string(), oneof(planted, dictionary(string(), planted), anything({ maxDepth: 2 })));
    assert(
      property(record, (line) => {
        const written = JSON.stringify(redact(JSON.parse(JSON.stringify(line))));
        for (const key of keys) expect(written).not.toContain(key);
      }),
    );
  });

  it("describes an error without what hangs on it, quotes or parameters", () => {
    const cause = Object.assign(new Error("connection lost"), {
      code: "ECONNRESET",
      headers: { "x-api-key": "k" },
      body: "dear diary",
    });
    const error = new Error("Failed query: insert into payloads\nparams: r-1,dear diary", { cause });
    const described = JSON.stringify(describeError(error));
    expect(described).not.toContain("diary");
    expect(described).not.toContain("headers");
    expect(describeError(error)).toMatchObject({
      type: "Error",
      message: "Failed query: insert into payloads",
      stack: expect.stringContaining("redact.test.ts"),
      cause: { message: "connection lost", code: "ECONNRESET" },
    });
  });
});
