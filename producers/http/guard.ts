/**
 * Who may talk to a server without authentication: nobody but this machine's own programs and pages. A page of another
 * site reaches loopback through the browser, by a name that it points here (DNS rebinding) or by a cross-site form.
 */
import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Problem, sendProblem } from "./problem.ts";

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

/** Refuses before any handler runs, and adds the security headers. */
export function guard(app: FastifyInstance, host: string): void {
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(securityHeaders);
    const problem = refusalOf(request, isLoopback(host));
    if (problem !== undefined) return sendProblem(reply, problem);
  });
}

const securityHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
};

const readingMethods = new Set(["GET", "HEAD", "OPTIONS"]);

function refusalOf(request: FastifyRequest, loopbackOnly: boolean): Problem | undefined {
  if (loopbackOnly && !isLoopback(nameIn(request.headers.host))) {
    return forbidden("wrong_host", "This server listens on loopback and answers to localhost and 127.0.0.1 only.");
  }
  if (request.headers["sec-fetch-site"] === "cross-site" && !readingMethods.has(request.method)) {
    return forbidden("cross_site", "Another site's page may not change anything here.");
  }
  return undefined;
}

const forbidden = (code: string, message: string): Problem => ({ status: 403, type: "forbidden_error", code, message });

/** `[::1]:8787` → `::1` */
const nameIn = (header: string | undefined): string =>
  (header ?? "")
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
