import { readdirSync, readFileSync } from "node:fs";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, it } from "vitest";
import { metricLabels, publishedName, spanAttributes } from "../../../src/telemetry/attributes.ts";

describe("names of attributes", () => {
  it("translates the short names that stages use", () => {
    expect(publishedName("provider")).toBe("gen_ai.provider.name");
    expect(publishedName("model")).toBe("gen_ai.request.model");
    expect(publishedName("failure")).toBe("error.type");
    expect(publishedName("blockedBy")).toBe("millrace.blocked_by");
    expect(publishedName("millrace.lane")).toBe("millrace.lane");
  });

  it("leaves unknown values out instead of publishing a zero", () => {
    expect(spanAttributes({ inputTokens: undefined, outputTokens: 0 })).toEqual({ "gen_ai.usage.output_tokens": 0 });
  });

  it("publishes the finish reason as the list that the convention wants", () => {
    expect(spanAttributes({ "gen_ai.response.finish_reasons": "stop" })).toEqual({
      "gen_ai.response.finish_reasons": ["stop"],
    });
  });

  it("keeps what differs per request off the metrics", () => {
    const attributes = {
      requestId: "r-1",
      "millrace.attempt_no": 2,
      inputTokens: 7,
      provider: "openai",
      tenant: "acme",
    };
    expect(metricLabels(attributes)).toEqual({ "gen_ai.provider.name": "openai", "millrace.tenant": "acme" });
  });

  it("uses no gen_ai name, anywhere in the sources, that OpenTelemetry's conventions do not know", () => {
    const known = new Set<unknown>(Object.values(conventions));
    const used = sourcesOf("src").flatMap((text) => text.match(/(?<=["'`])gen_ai\.[a-z_.]+/g) ?? []);
    expect(used).toContain("gen_ai.request.model");
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });
});

const sourcesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(`${folder}/${name}`, "utf8"));
