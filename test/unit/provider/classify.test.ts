import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { classify as anthropic } from "../../../src/provider/adapters/anthropic.ts";
import { classify as gemini } from "../../../src/provider/adapters/gemini.ts";
import { classify as openai } from "../../../src/provider/adapters/openai/failure.ts";
import { failureKinds } from "../../../src/request/failure.ts";

/** The moment against which dates in the tables count. */
const nowMs = Date.parse("2026-10-21T07:28:00Z");

const tableSchema = z.array(
  z.strictObject({
    name: z.string(),
    status: z.number().nullable(),
    headers: z.record(z.string(), z.string()),
    body: z.unknown(),
    expect: z.strictObject({
      kind: z.enum(failureKinds),
      code: z.string().optional(),
      status: z.number().optional(),
      retryAfterMs: z.number().optional(),
      message: z.string().optional(),
    }),
  }),
);

const table = (provider: string) =>
  tableSchema.parse(
    JSON.parse(readFileSync(new URL(`../../fixtures/provider-errors/${provider}.json`, import.meta.url), "utf8")),
  );

for (const [provider, classify] of Object.entries({ anthropic, openai, gemini })) {
  describe(`errors of ${provider}`, () => {
    for (const row of table(provider)) {
      it(`${row.status ?? "in a stream"}: ${row.name} → ${row.expect.kind}`, () => {
        const answer = { status: row.status ?? undefined, headers: new Headers(row.headers), body: row.body };
        const failure = classify(answer, nowMs);
        expect(failure).toMatchObject(row.expect);
        // A wait is the provider's promise: none is lost, none is invented.
        expect(failure.retryAfterMs).toBe(row.expect.retryAfterMs);
      });
    }

    it.each([
      null,
      undefined,
      0,
      "text",
      [[]],
      {},
      { error: null },
      { error: "text" },
      { error: { message: 5, type: [], code: {}, details: 7 } },
    ])("%j as a body is read without harm", (body) => {
      expect(classify({ status: 500, headers: new Headers(), body }, nowMs).kind).toBe("server");
      expect(classify({ status: 404, headers: new Headers(), body }, nowMs).kind).toBe("client");
      expect(classify({ status: undefined, headers: new Headers(), body }, nowMs).kind).toBe("stream");
    });
  });
}
