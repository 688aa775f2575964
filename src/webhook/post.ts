/**
 * One POST to an address that a caller named: guarded, within a time, redirects not followed, the answer's body thrown away
 * (it would be a way to read what we reach and the caller does not). One connection each: receivers hear of us seldom.
 */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { AddressRefused, publicLookup, type Resolve, type UrlRule, urlProblem } from "../runtime/public-address.ts";

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PostRule extends UrlRule {
  /** From the lookup of the name to the head of the answer. */
  readonly timeoutMs: number;
  /** Instead of the system's. */
  readonly resolve?: Resolve;
}

export type PostEnd =
  | { readonly status: number; readonly headers: Headers }
  /** In words that may be shown to whoever registered the address. */
  | { readonly problem: string };

/** Resolves in any case. */
export async function post({ url, body, headers }: Post, rule: PostRule, signal: AbortSignal): Promise<PostEnd> {
  const problem = urlProblem(url, rule);
  if (problem !== undefined) return { problem };
  const late = AbortSignal.timeout(rule.timeoutMs);
  const send = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const outgoing = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      lookup: publicLookup(rule, rule.resolve),
      signal: AbortSignal.any([signal, late]),
      agent: false,
    });
    outgoing.on("response", (answer) => {
      let readBytes = 0;
      answer.on("error", () => {});
      answer.on("data", (piece: Buffer) => {
        readBytes += piece.length;
        if (readBytes > enoughBytes) outgoing.destroy();
      });
      const [retryAfter] = answer.headersDistinct["retry-after"] ?? [];
      resolve({
        status: answer.statusCode ?? 0,
        headers: new Headers(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
      });
    });
    outgoing.on("error", (error) => resolve({ problem: late.aborted ? "no answer in time" : wordsFor(error) }));
    // A switch of protocols (101) ends in neither an answer nor an error.
    outgoing.on("close", () => resolve({ problem: "connection lost" }));
    outgoing.end(body);
  });
}

/** A receiver that is still writing when we hang up may take that for a failure. */
const enoughBytes = 4_096;

function wordsFor(error: Error): string {
  if (error instanceof AddressRefused) return error.message;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return knownCodes[code] ?? (/TLS|CERT|SSL|SIGNED|ISSUER/.test(code) ? `TLS: ${code}` : "no connection");
}

const knownCodes: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not found",
  EAI_AGAIN: "its name cannot be resolved now",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection lost",
};
