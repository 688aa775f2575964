import { describe, expect, it } from "vitest";
import { modelAddress, publisherOf, usualBaseUrl } from "../../../src/provider/adapters/vertex/address.ts";
import { classify } from "../../../src/provider/adapters/vertex/errors.ts";

describe("an address at Vertex", () => {
  it.each([
    ["global", "https://aiplatform.googleapis.com"],
    ["eu", "https://aiplatform.eu.rep.googleapis.com"],
    ["europe-west4", "https://europe-west4-aiplatform.googleapis.com"],
  ])("is at the host of the location %s", (location, host) => {
    expect(usualBaseUrl(location)).toBe(host);
  });

  it("keeps a name with a slash from leaving its place", () => {
    const place = { baseUrl: "https://host", project: "a/b", location: "global" };
    expect(modelAddress(place, "../x@1", "generateContent")).toBe(
      "https://host/v1/projects/a%2Fb/locations/global/publishers/google/models/..%2Fx@1:generateContent",
    );
  });

  it("names the publisher by the model", () => {
    expect(publisherOf("claude-opus-5-5")).toBe("anthropic");
    expect(publisherOf("gemini-4-argon")).toBe("google");
  });
});

describe("an error at Vertex", () => {
  const kindOf = (status: number, error: object, headers: Record<string, string> = {}) =>
    classify({ status, body: { error }, headers: new Headers(headers) }, 0).kind;

  it.each([
    [429, { message: "Resource exhausted, please try again later.", status: "RESOURCE_EXHAUSTED" }, "capacity"],
    [429, { message: "Resource exhausted. Please try again later.", status: "RESOURCE_EXHAUSTED" }, "capacity"],
    [429, { message: "Too many requests. Exceeded the Provisioned Throughput." }, "rate"],
    [429, { message: "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests." }, "rate"],
    [429, { type: "rate_limit_error", message: "Number of requests has exceeded your rate limit" }, "rate"],
    [529, { type: "overloaded_error", message: "Overloaded" }, "capacity"],
    [401, { message: "Request had invalid authentication credentials.", status: "UNAUTHENTICATED" }, "auth"],
    [403, { message: "Permission denied on resource.", status: "PERMISSION_DENIED" }, "auth"],
    [404, { message: "Publisher Model was not found.", status: "NOT_FOUND" }, "client"],
    [400, { type: "invalid_request_error", message: "max_tokens: too large" }, "client"],
    [503, { message: "Service unavailable.", status: "UNAVAILABLE" }, "capacity"],
    [500, { message: "Internal error.", status: "INTERNAL" }, "server"],
  ])("of HTTP %i with %j is of kind %s", (status, error, kind) => {
    expect(kindOf(status, error)).toBe(kind);
  });

  it("has the wait of the header", () => {
    const body = { error: { message: "Quota exceeded." } };
    const headers = new Headers({ "retry-after": "7" });
    expect(classify({ status: 429, body, headers }, 0).retryAfterMs).toBe(7_000);
  });

  it.each([null, undefined, 0, "text", [[]], {}, { error: null }, { error: { type: 7 } }])(
    "is read without harm from %j",
    (body) => {
      expect(classify({ status: 500, body, headers: new Headers() }, 0).kind).toBe("server");
    },
  );
});
