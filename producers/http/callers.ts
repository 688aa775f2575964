/**
 * Who calls: the holder of an API key, as `Authorization: Bearer`, as `x-api-key`, or as the cookie of a page that was logged
 * in to. While there is no key at all, whoever reaches the server may do everything, and it reaches no further than loopback.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type KeyLimits, limitsOf } from "../../src/admission/key-limits.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { anyKeys, holderOf, type KeyView } from "../../src/ledger/api-keys.ts";
import { known } from "../../src/runtime/known.ts";
import { withPatience } from "./errors.ts";
import { type Problem, sendProblem } from "./problem.ts";

export interface Caller {
  /** Undefined: of all tenants. */
  readonly tenant: string | undefined;
  readonly isAdmin: boolean;
  /** Of its key, where that has some. */
  readonly limits?: KeyLimits;
}

/** Knows callers of the last seconds, so that a busy client costs no look at the ledger for each call. */
export interface Callers {
  /** The holder of a key; undefined when it is none, or no longer one. */
  of(key: string): Promise<Caller | undefined>;
  /** Whether calls need a key. */
  areAsked(): Promise<boolean>;
}

/** A key that is revoked, and the first key that is made, are heard of within this time. */
const rememberedMs = 5_000;
const mostRemembered = 10_000;

export function openCallers({ ledger }: Pick<Fleet, "ledger">): Callers {
  const known = new Map<string, { readonly caller: Caller | undefined; readonly until: number }>();
  let asked: { readonly value: boolean; readonly until: number } | undefined;
  return {
    async of(key) {
      const now = performance.now();
      const found = known.get(key);
      if (found !== undefined && found.until > now) return found.caller;
      const holder = await withPatience(holderOf(ledger, key));
      const caller = holder === undefined ? undefined : callerOf(holder);
      if (known.size >= mostRemembered) known.clear();
      known.set(key, { caller, until: now + rememberedMs });
      return caller;
    },
    async areAsked() {
      const now = performance.now();
      if (asked !== undefined && (asked.value || asked.until > now)) return asked.value;
      asked = { value: await withPatience(anyKeys(ledger)), until: now + rememberedMs };
      return asked.value;
    },
  };
}

function callerOf(key: KeyView): Caller {
  const { tenant, scope } = key;
  const isAdmin = scope === "admin";
  return { tenant: isAdmin ? undefined : tenant, isAdmin, ...known({ limits: limitsOf(key) }) };
}

const everybody: Caller = { tenant: undefined, isAdmin: true };

/** What a probe, a log-in page and the reference are asked without a key. */
const openRoutes = new Set(["/healthz", "/readyz", "/login", "/openapi.json", "/reference"]);
/** What shows or changes things of all tenants. */
const adminRoutes = /^\/(?:$|(?:board|dashboard|metrics)(?:\/|$))/;

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller;
  }
}

/** Refuses before any handler runs; handlers find `request.caller`. */
export function askForKeys(app: FastifyInstance, callers: Callers): void {
  app.decorateRequest("caller");
  app.addHook("onRequest", async (request, reply) => {
    request.caller = everybody;
    const [path = ""] = request.url.split("?");
    if (openRoutes.has(path) || !(await callers.areAsked())) return undefined;
    const key = keyOf(request);
    const caller = key === undefined ? undefined : await callers.of(key);
    if (caller === undefined) {
      const accepts = request.headers.accept ?? "";
      if (request.method === "GET" && accepts.includes("text/html")) return reply.redirect("/login", 303);
      return sendProblem(reply.header("www-authenticate", "Bearer"), key === undefined ? noKey : wrongKey);
    }
    // By the route that was found: what a caller wrote may be encoded in many ways.
    if (adminRoutes.test(request.routeOptions.url ?? path) && !caller.isAdmin) return sendProblem(reply, notAdmin);
    request.caller = caller;
    return undefined;
  });
}

export const sessionCookie = "millrace_key";
const sessionPattern = new RegExp(`(?:^|;\\s*)${sessionCookie}=([\\w-]+)`);

function keyOf({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  const named = headers["x-api-key"];
  const cookie = sessionPattern.exec(headers.cookie ?? "")?.[1];
  return bearer ?? (typeof named === "string" ? named : undefined) ?? cookie;
}

const noKey: Problem = {
  status: 401,
  type: "authentication_error",
  code: "missing_api_key",
  message: "Send an API key as Authorization: Bearer or x-api-key; `millrace key create` makes one.",
};
const wrongKey: Problem = {
  status: 401,
  type: "authentication_error",
  code: "invalid_api_key",
  message: "This API key is not known, was revoked or has expired.",
};
const notAdmin: Problem = {
  status: 403,
  type: "forbidden_error",
  code: "admin_only",
  message: "This needs an admin key; `millrace key create --admin` makes one.",
};
