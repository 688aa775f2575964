/**
 * Orders of a key that has limits: what is new is charged before it is stored, and a refusal stores nothing. What an
 * idempotency key had brought before is not new.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { type KeyLimits, type KeyVerdict, type Work, workOf } from "../../src/admission/key-limits.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import { withoutKnownKeys } from "../../src/ledger/accept.ts";
import { type Placed, placeOrders } from "./place-orders.ts";
import type { Problem } from "./problem.ts";

export async function placeWithin(
  fleet: Fleet,
  { caller }: FastifyRequest,
  reply: FastifyReply,
  orders: readonly Order[],
  many: boolean,
): Promise<Placed> {
  const { limits } = caller;
  if (limits === undefined) return placeOrders(fleet, orders, many);
  const work = workOfOrders(await withoutKnownKeys(fleet.ledger, orders));
  const verdict = await charged(fleet, limits, work);
  if (verdict === undefined) return { ok: false, problem: uncounted };
  void reply.headers(headersOf(limits, verdict));
  if (!verdict.granted) return { ok: false, problem: refusal(limits, work, verdict) };
  const placed = await placeOrders(fleet, orders, many);
  if (placed.ok && placed.freshOnes.every(Boolean)) return placed;
  const brought = workOfOrders(placed.ok ? orders.filter((_order, at) => placed.freshOnes[at]) : []);
  const surplus = { requests: work.requests - brought.requests, tokens: work.tokens - brought.tokens };
  // What cannot be given back is free again in a minute.
  if (surplus.requests > 0) await fleet.keyGate.giveBack(limits, verdict, surplus).catch(() => {});
  return placed;
}

const workOfOrders = (orders: readonly Order[]): Work => workOf(orders.map(({ body }) => body));

/** Undefined: Redis is away. */
const charged = (fleet: Fleet, limits: KeyLimits, work: Work): Promise<KeyVerdict | undefined> =>
  fleet.keyGate.charge(limits, work).catch(() => undefined);

/** In the names of OpenAI's API. */
function headersOf({ requestsPerMinute, tokensPerMinute }: KeyLimits, { used, resetMs }: KeyVerdict) {
  const headers = (name: string, limit: number | undefined, inUse: number) =>
    limit === undefined
      ? {}
      : {
          [`x-ratelimit-limit-${name}`]: `${limit}`,
          [`x-ratelimit-remaining-${name}`]: `${Math.max(0, limit - inUse)}`,
          [`x-ratelimit-reset-${name}`]: `${(resetMs / 1_000).toFixed(3)}s`,
        };
  return {
    ...headers("requests", requestsPerMinute, used.requests),
    ...headers("tokens", tokensPerMinute, used.tokens),
  };
}

function refusal(limits: KeyLimits, work: Work, { used, retryAfterMs }: KeyVerdict): Problem {
  const { requestsPerMinute = Number.POSITIVE_INFINITY } = limits;
  // What never fits is told of the limit that it never fits.
  const inTheWay = retryAfterMs === undefined ? work.requests : used.requests + work.requests;
  const isRequests = inTheWay > requestsPerMinute;
  const [noun, limit, asked, inUse] = isRequests
    ? ["requests", limits.requestsPerMinute, work.requests, used.requests]
    : ["tokens", limits.tokensPerMinute, work.tokens, used.tokens];
  const numbers = `This key may take ${limit} ${noun} a minute; ${inUse} are in use, and ${asked} more are asked for.`;
  if (retryAfterMs === undefined) {
    const message = `${numbers} So many never fit at once. Nothing of it was stored.`;
    return { status: 413, type: "invalid_request_error", code: "exceeds_key_limit", message };
  }
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return {
    status: 429,
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    message: `${numbers} Come again in ${seconds} s. Nothing of it was stored.`,
    retryAfterSeconds: seconds,
  };
}

const uncounted: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "limits_unavailable",
  message:
    "This key has limits, and Redis, which counts them, does not answer. Nothing of it was stored; send the same again.",
  retryAfterSeconds: 2,
};
