import fc from "fast-check";
import { expect, it, test } from "vitest";
import { judgeOpenaiLine } from "../../../producers/batches/openai-input.ts";

const endpoint = "/v1/chat/completions";
const judge = (text: string) => judgeOpenaiLine({ readable: true, no: 7, text, ended: true }, endpoint);
const whole = {
  custom_id: "a",
  method: "POST",
  url: endpoint,
  body: { model: "gpt-5-mini", messages: [{ role: "user", content: "Hello" }] },
};

it("takes a whole line as bulk work for the model it names", () => {
  expect(judge(JSON.stringify(whole))).toMatchObject({
    ok: true,
    value: { customId: "a", shape: "openai", priority: "bulk", body: { model: "gpt-5-mini" } },
  });
});

test.each([
  [{ custom_id: undefined }, "missing_required_parameter", "custom_id"],
  [{ method: undefined }, "missing_required_parameter", "method"],
  [{ custom_id: undefined, url: "/v1/x" }, "missing_required_parameter", "custom_id"],
  [{ method: "PUT" }, "invalid_value", "method"],
  [{ url: "/v1/embeddings" }, "invalid_url", "url"],
  [{ body: { ...whole.body, model: "" } }, "invalid_request", "body.model"],
  [{ body: { ...whole.body, n: 3 } }, "invalid_request", "body.n"],
  [{ body: { ...whole.body, messages: [] } }, "invalid_request", "body.messages"],
  [{ body: { ...whole.body, stream: true } }, "streaming_unsupported", "body.stream"],
  [{ body: "text" }, "invalid_request", "body"],
  [{ custom_id: "" }, "invalid_request", "custom_id"],
])("finds what is wrong with %j", (more, code, param) => {
  expect(judge(JSON.stringify({ ...whole, ...more }))).toMatchObject({ ok: false, error: { code, param, line: 7 } });
});

test.each([["{"], ["null"], ["[]"], ['"a"'], ["1"], [""]])("says of %s that it is not JSON of a request", (text) => {
  expect(judge(text)).toMatchObject({ ok: false, error: { code: "invalid_json_line", param: null } });
});

it("says of a line that cannot be read why, in a sentence", () => {
  const line = { readable: false, no: 2, reason: "is not UTF-8 text" } as const;
  expect(judgeOpenaiLine(line, endpoint)).toMatchObject({
    ok: false,
    error: { message: "This line is not UTF-8 text." },
  });
});

it("says what was given instead of a method, whatever it is", () => {
  const judged = judge(JSON.stringify({ ...whole, method: { toString: 0 } }));
  expect(judged).toMatchObject({ ok: false, error: { code: "invalid_value", param: "method" } });
  expect(!judged.ok && judged.error.message).toContain(`'{"toString":0}'`);
});

it("has an answer for any JSON at all", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("custom_id", "method", "url", "body"), (value, field) => {
      const judged = judge(JSON.stringify({ ...whole, [field]: value }));
      expect(judged.ok || judged.error.line === 7).toBe(true);
    }),
  );
});
