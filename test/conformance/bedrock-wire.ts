/**
 * Bedrock's wire by our own hand: frames of its binary event stream, and a check of signatures (SigV4) that shares
 * nothing with the SDK's.
 */
import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";
import type { WireAnswer, WireRequest } from "../support/wire-server.ts";

/** A frame: lengths and their checksum, headers of text, payload, checksum of all. */
export function frame(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const text = Buffer.from(value);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(text.length);
      return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7]), length, text]);
    }),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(12 + head.length + body.length + 4, 0);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const whole = Buffer.concat([prelude, head, body]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(whole));
  return new Uint8Array(Buffer.concat([whole, checksum]));
}

export const event = (type: string, data: unknown): Uint8Array =>
  frame(
    { ":event-type": type, ":content-type": "application/json", ":message-type": "event" },
    typeof data === "string" ? data : JSON.stringify(data),
  );
/** An exception inside a stream. */
export const exception = (type: string, message: string): Uint8Array =>
  frame(
    { ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" },
    JSON.stringify({ message }),
  );

export const opening = event("messageStart", { role: "assistant" });
export const piece = (text: string, contentBlockIndex = 0): Uint8Array =>
  event("contentBlockDelta", { contentBlockIndex, delta: { text } });
export const usage = { inputTokens: 12, outputTokens: 7, totalTokens: 19 };
export const stop = (stopReason = "end_turn"): Uint8Array => event("messageStop", { stopReason });
export const metadata = event("metadata", { usage, metrics: { latencyMs: 9 } });

export const stream = (...pieces: readonly Uint8Array[]): WireAnswer => ({
  headers: { "content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "req-1" },
  pieces,
});

export const whole = (content: readonly object[], more: object = {}): WireAnswer => ({
  headers: { "x-amzn-requestid": "req-1" },
  pieces: [
    JSON.stringify({
      output: { message: { role: "assistant", content } },
      stopReason: "end_turn",
      usage,
      metrics: { latencyMs: 9 },
      ...more,
    }),
  ],
});

/** An error as AWS sends it: its name in a header, its words in the body. */
export const refusal = (status: number, name: string, message: string): WireAnswer => ({
  status,
  headers: { "x-amzn-errortype": `${name}:http://internal.amazon.com/`, "x-amzn-requestid": "req-1" },
  pieces: [JSON.stringify({ message })],
});

/** True when the request was signed for this region with this key, and nothing that was signed was changed. */
export function isSigned(request: WireRequest, secretAccessKey: string, region: string): boolean {
  const authorization = request.headers.get("authorization") ?? "";
  const [, date, scope, names = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/(\S+?), SignedHeaders=(\S+?), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (date === undefined || scope !== `${region}/bedrock/aws4_request`) return false;
  const payload = request.body === undefined ? "" : JSON.stringify(request.body);
  const [path = "", query = ""] = request.path.split("?");
  const canonical = [
    request.method,
    path.split("/").map(escaped).join("/"),
    query.split("&").sort().join("&"),
    ...names.split(";").map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}`),
    "",
    names,
    sha256(payload),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", request.headers.get("x-amz-date"), `${date}/${scope}`, sha256(canonical)].join(
    "\n",
  );
  const key = [date, region, "bedrock", "aws4_request"].reduce<string | Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac("sha256", key).update(toSign).digest("hex") === signature;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const escaped = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
