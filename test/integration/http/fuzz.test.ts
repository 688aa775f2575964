/** Whatever is sent to whatever route: an answer, no crash, and nothing of another tenant's. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { useHttp } from "../../support/http.ts";
import { mutated } from "../../support/mutations.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const http = useHttp(services, {
  workers: true,
  settings: {
    attempts: { baseMs: 1, capMs: 2, perDeployment: 1, total: 1, schemaRetries: 0 },
    timeouts: { totalMs: 5_000 },
  },
  simulator: { anyModel: true },
});

const messages = [{ role: "user", content: [{ type: "text", text: "Say hello" }] }];
const model = "openai/gpt-5-mini";
const weather = {
  name: "weather",
  description: "d",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
/** What a route takes, to be broken from there; routes that are not here get any JSON. */
const bodies: Readonly<Record<string, Parameters<typeof mutated>[0]>> = {
  "/v1/requests": [{ model, prompt: "x", priority: "bulk", deadline_ms: 5_000, tools: [weather] }],
  "/v1/chat/completions": {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    temperature: 1,
    tools: [{ type: "function", function: weather }],
    response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
  },
  "/v1/responses": {
    model,
    input: [
      { role: "user", content: [{ type: "input_text", text: "x" }] },
      { type: "function_call", call_id: "a", name: "weather", arguments: "{}" },
      { type: "function_call_output", call_id: "a", output: "y" },
    ],
    stream: true,
    text: { format: { type: "text" } },
    reasoning: { effort: "low" },
    tools: [{ type: "function", ...weather }],
  },
  "/v1/embeddings": { model: "text-embedding-3-small", input: ["a", "b"], dimensions: 8, encoding_format: "base64" },
  "/v1/audio/speech": { model: "tts-1", input: "x", voice: "alloy", response_format: "mp3", speed: 1 },
  "/v1/messages": {
    model,
    max_tokens: 20,
    messages,
    system: "x",
    stream: true,
    tools: [{ name: "w", input_schema: { type: "object" } }],
  },
  "/v1/messages/count_tokens": { model, messages },
  "/v1/batches": { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" },
};

/** Of 5xx, these are no bugs: docs/http.md says when they come. */
const documented = new Set([
  ...["backlog_full", "held", "not_finished", "too_much_at_once", "too_many_streams", "ledger_unavailable", "stopped"],
  // A provider failed, or answered in another form than was asked for.
  ...["schema", "deadline", "server", "stream", "timeout", "network", "auth", "capacity", "started_over"],
]);
const longestMs = 30_000;

interface Sent {
  readonly path: string;
  readonly body: string | FormData;
  readonly headers: Record<string, string>;
}

/** One in five calls says something odd beside its body. */
const headers = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        "idempotency-key": fc.oneof(fc.constantFrom("shared", "x".repeat(300), "é"), fc.nat().map(String)),
        "last-event-id": fc.constantFrom("1-1", "0-0", "99999999999999999999-1", "x"),
        "x-millrace-priority": fc.constantFrom("bulk", "interactive", "soon"),
        "x-millrace-detach": fc.constantFrom("true", "perhaps"),
        "x-stainless-timeout": fc.constantFrom("5", "0", "never"),
        "content-type": fc.constantFrom("application/json", "text/plain", "multipart/form-data; boundary=x"),
      },
      { requiredKeys: [] },
    ),
  },
);

const form = fc
  .dictionary(fc.constantFrom("model", "language", "response_format", "prompt", "file", "x[]"), fc.string())
  .map((fields) => {
    const made = new FormData();
    for (const [name, value] of Object.entries(fields)) made.append(name, value);
    made.append("file", new Blob(["RIFF"]), "a.wav");
    return made;
  });

const sentTo = (path: string): fc.Arbitrary<Sent> =>
  path === "/v1/audio/transcriptions" || path === "/v1/files"
    ? fc.record({ path: fc.constant(path), body: form, headers: fc.constant({}) })
    : fc.record({
        path: fc.constant(path),
        body: mutated(bodies[path] ?? {}),
        headers: headers.map((given) => ({ "content-type": "application/json", ...given })),
      });

async function post({ path, body, headers: more }: Sent, key: string) {
  const sendable = Object.fromEntries(Object.entries(more).filter(([, value]) => /^[\x20-\xff]*$/.test(value)));
  const reply = await fetch(`${http().url}${path}`, {
    method: "POST",
    body,
    headers: { ...sendable, authorization: `Bearer ${key}` },
    redirect: "manual",
    signal: AbortSignal.timeout(longestMs),
  });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

it("every POST route answers everything, without a bug and without a word of another tenant", async () => {
  const { fleet, routes, send } = http();
  const keyOf = async (tenant: string) => (await createKey(fleet.ledger, { tenant, name: "fuzz", scope: "use" })).key;
  const [red, blue] = [await keyOf("red"), await keyOf("blue")];
  const secret = { model, prompt: "the secret of blue" };
  const bearer = { authorization: `Bearer ${blue}`, "idempotency-key": "shared" };
  const kept = (await send("POST", "/v1/requests?wait_ms=20000", secret, bearer)).json;
  expect(kept.result.text).toMatch(/\w/);
  const ids = [kept.id, `resp_${kept.id.replaceAll("-", "")}`, "x", "%00", "..%2f"];
  const posts = [...new Set(routes.filter(({ method }) => method === "POST").map(({ path }) => path))];
  expect(posts).toEqual(
    expect.arrayContaining(Object.keys(bodies).filter((path) => /chat|responses|speech|requests/.test(path))),
  );

  for (const route of posts) {
    const paths = route.includes(":") || route.includes("*") ? ids.map((id) => route.replace(/:\w+|\*/g, id)) : [route];
    for (const path of paths) {
      await fc.assert(
        fc.asyncProperty(sentTo(path), async (sent) => {
          const { status, headers: got, text } = await post(sent, red);
          if (status >= 500) expect(documented).toContain(/"code":"(\w+)"/.exec(text)?.[1] ?? text);
          expect(text).not.toContain(kept.result.text);
          expect(got.get("x-request-id")).not.toBe(kept.id);
        }),
        { numRuns: paths.length > 1 ? 3 : 30 },
      );
    }
  }

  const after = await fleet.ledger.sql`select id, state from requests where tenant = 'blue'`;
  expect(after).toMatchObject([{ id: kept.id, state: "succeeded" }]);
});
