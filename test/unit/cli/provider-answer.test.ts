import { describe, expect, it } from "vitest";
import { obstacleOf } from "../../../producers/cli/provider-answer.ts";
import { transportFailure } from "../../../src/provider/transport-failure.ts";

const broken = (code: string) =>
  transportFailure(new TypeError("fetch failed", { cause: Object.assign(new Error("why"), { code }) }));

describe("what keeps a provider from answering", () => {
  it.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "connect"],
    ["ECONNRESET", "connect"],
    ["EHOSTUNREACH", "connect"],
    ["ETIMEDOUT", "connect"],
    ["UND_ERR_CONNECT_TIMEOUT", "connect"],
    ["UND_ERR_SOCKET", "connect"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
    ["EPROTO", "tls"],
    ["UND_ERR_HEADERS_TIMEOUT", "answer"],
  ])("is, with %s, %s", (code, obstacle) => {
    expect(obstacleOf(broken(code))).toBe(obstacle);
  });

  it("is the key where it was refused, or what is behind it", () => {
    expect(obstacleOf({ kind: "auth", status: 401, message: "no" })).toBe("key");
    expect(obstacleOf({ kind: "quotaHard", status: 402, message: "no" })).toBe("key");
  });

  it("is something else where it answered otherwise", () => {
    expect(obstacleOf({ kind: "server", status: 502, message: "HTTP 502" })).toBe("other");
    expect(obstacleOf({ kind: "server", message: "the answer is not JSON" })).toBe("other");
    expect(obstacleOf({ kind: "timeout", status: 408, message: "slow" })).toBe("other");
  });
});
