import { describe, expect, it } from "vitest";
import { providerEntries } from "../../../src/config/models.ts";
import { answered } from "../../../src/provider/call-outcome.ts";
import { interruption } from "../../../src/provider/interruption.ts";
import { providerById, providers } from "../../../src/provider/registry.ts";
import { answersOf } from "../../../src/provider/sdk-answer.ts";
import { usageOf } from "../../../src/provider/token-counts.ts";
import { transportFailure } from "../../../src/provider/transport-failure.ts";
import { known } from "../../../src/runtime/known.ts";

describe("usage", () => {
  it("leaves unknown counts out instead of making them zero", () => {
    expect(usageOf({})).toEqual({});
    expect(usageOf({ inputTokens: 0, outputTokens: undefined })).toEqual({ inputTokens: 0 });
  });

  it("drops a part that is larger than its whole", () => {
    expect(usageOf({ inputTokens: 10, cacheReadTokens: 11, outputTokens: 5, reasoningTokens: 6 })).toEqual({
      inputTokens: 10,
      outputTokens: 5,
    });
    expect(usageOf({ inputTokens: 10, cacheReadTokens: 6, cacheWriteTokens: 4 })).toEqual({
      inputTokens: 10,
      cacheReadTokens: 6,
      cacheWriteTokens: 4,
    });
  });
});

describe("what is known", () => {
  it("keeps zero, false and the empty text", () => {
    expect(known({ a: 0, b: false, c: "", d: null, e: undefined })).toEqual({ a: 0, b: false, c: "" });
  });
});

describe("an interrupted call", () => {
  const stoppedBy = (reason?: unknown) => interruption(AbortSignal.abort(reason)).kind;

  it("is a timeout when the reason says so", () => {
    expect(stoppedBy(new DOMException("x", "TimeoutError"))).toBe("timeout");
    expect(stoppedBy(new Error("firstToken"))).toBe("timeout");
    expect(stoppedBy(new Error("idle"))).toBe("timeout");
    expect(stoppedBy(new Error("total"))).toBe("timeout");
  });

  it("is a network failure otherwise", () => {
    expect(stoppedBy()).toBe("network");
    expect(stoppedBy(new Error("stopped"))).toBe("network");
    expect(stoppedBy("a word")).toBe("network");
  });
});

describe("a failure of the transport", () => {
  const coded = (code: string, message = code) => Object.assign(new Error(message), { code });

  it.each([
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EPIPE",
    "CERT_HAS_EXPIRED",
    "UND_ERR_SOCKET",
    "UND_ERR_CONNECT_TIMEOUT",
  ])("%s under a fetch is a network failure", (code) => {
    const failure = transportFailure(new TypeError("fetch failed", { cause: coded(code, "why") }));
    expect(failure).toEqual({ kind: "network", message: `${code}: why` });
  });

  it("knows a socket that died under a body", () => {
    expect(transportFailure(new TypeError("terminated")).kind).toBe("network");
  });

  it("is a timeout where the socket waited too long for an answer", () => {
    expect(transportFailure(new TypeError("fetch failed", { cause: coded("UND_ERR_HEADERS_TIMEOUT") })).kind).toBe(
      "timeout",
    );
  });

  it("does not quote an answer that is not JSON", () => {
    let thrown: unknown;
    try {
      JSON.parse("<html>the secret of the answer</html>");
    } catch (error) {
      thrown = error;
    }
    expect(transportFailure(thrown)).toEqual({ kind: "server", message: "the answer is not JSON" });
  });

  it("is the answer's fault where the SDK trips over it, and survives what is no error", () => {
    expect(transportFailure(new TypeError("Cannot set properties of null")).kind).toBe("server");
    expect(transportFailure("a word").kind).toBe("server");
  });
});

describe("an answer withheld to the last word", () => {
  const finish = { unified: "content-filter", raw: "SAFETY" } as const;

  it("is a failure of the request, with its usage", () => {
    expect(answered({ text: "" }, finish, { inputTokens: 3 }, {})).toEqual({
      ok: false,
      failure: { kind: "client", message: "the provider withheld its answer: SAFETY", code: "SAFETY" },
      usage: { inputTokens: 3 },
    });
  });

  it("is an answer while it has any text", () => {
    expect(answered({ text: "Once" }, finish, {}, {})).toEqual({ ok: true, text: "Once", finish, usage: {} });
  });
});

describe("the events of an SDK's stream", () => {
  async function* twoThenBreak() {
    yield 1;
    yield 2;
    throw new Error("broken");
  }

  it("end with the failure as a value", async () => {
    const seen: unknown[] = [];
    for await (const step of answersOf(twoThenBreak())) seen.push(step.ok ? step.value : String(step.error));
    expect(seen).toEqual([1, 2, "Error: broken"]);
  });

  it("are closed by whoever leaves early, and a bug of the reader stays a bug", async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield 1;
      } finally {
        closed = true;
      }
    }
    const read = async () => {
      for await (const _ of answersOf(endless())) throw new Error("bug");
    };
    await expect(read()).rejects.toThrow("bug");
    expect(closed).toBe(true);
  });
});

describe("the registry", () => {
  it("knows every provider by its id", () => {
    expect(Object.keys(providers).toSorted()).toEqual(providerEntries.map(({ id }) => id).toSorted());
    for (const [id, provider] of Object.entries(providers)) {
      expect(provider.id).toBe(id);
      expect(providerById(id)).toBe(provider);
    }
  });

  it("knows no others, and none of the names every object has", () => {
    expect(providerById("none")).toBeUndefined();
    expect(providerById("toString")).toBeUndefined();
  });
});
