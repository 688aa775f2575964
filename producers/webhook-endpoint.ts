/** Registering a receiver of webhooks, and how one is shown: the same for the command line and for HTTP. */
import type { Fleet } from "../src/fleet/fleet.ts";
import {
  createEndpoint,
  createEndpointOnce,
  type EndpointView,
  mostEndpoints,
  type NewEndpoint,
} from "../src/ledger/webhook-endpoints.ts";
import { urlProblem } from "../src/runtime/public-address.ts";
import { type EventType, eventTypes } from "../src/webhook/event.ts";
import { newSecret } from "../src/webhook/signature.ts";

export interface EndpointWish {
  readonly tenant: string;
  readonly url: string;
  /** Absent: all. */
  readonly events?: readonly EventType[] | undefined;
  readonly batchRequests: boolean;
}

export type Registered =
  | { readonly ok: true; readonly endpoint: EndpointView; readonly secret: string }
  | { readonly ok: false; readonly code: "bad_url" | "too_many"; readonly reason: string };

/** The secret is answered this once. */
export async function registerEndpoint(fleet: Fleet, wish: EndpointWish): Promise<Registered> {
  const wanted = wantedOf(fleet, wish);
  if (!wanted.ok) return wanted;
  const endpoint = await createEndpoint(fleet.ledger, wanted.endpoint);
  return endpoint === undefined ? tooMany(wish) : { ok: true, endpoint, secret: wanted.endpoint.secret };
}

/** Whoever comes again with the key and the same wish gets the same answer; `usedKey`: the wish is another. */
export async function registerEndpointOnce(
  fleet: Fleet,
  wish: EndpointWish,
  idempotencyKey: string,
): Promise<Registered | "usedKey"> {
  const wanted = wantedOf(fleet, wish);
  if (!wanted.ok) return wanted;
  const created = await createEndpointOnce(fleet.ledger, wanted.endpoint, idempotencyKey);
  if (created.ok) return created;
  return created.reason === "tooMany" ? tooMany(wish) : "usedKey";
}

type Wanted = { readonly ok: true; readonly endpoint: NewEndpoint } | Extract<Registered, { ok: false }>;

function wantedOf({ config }: Fleet, { tenant, url, events = eventTypes, batchRequests }: EndpointWish): Wanted {
  const problem = urlProblem(url, config.webhooks);
  if (problem !== undefined) return { ok: false, code: "bad_url", reason: `The URL cannot be used: ${problem}.` };
  // As the parser writes it: nothing is left in it that Postgres or a header would not take.
  const { href } = new URL(url);
  return {
    ok: true,
    endpoint: { tenant, url: href, secret: newSecret(), events: [...new Set(events)], batchRequests },
  };
}

const tooMany = ({ tenant }: EndpointWish): Registered => ({
  ok: false,
  code: "too_many",
  reason: `${tenant} has ${mostEndpoints} webhooks already; revoke one.`,
});

export const endpointJson = (endpoint: EndpointView) => ({
  id: endpoint.id,
  object: "webhook",
  tenant: endpoint.tenant,
  url: endpoint.url,
  events: endpoint.events,
  batch_requests: endpoint.batchRequests,
  created_at: endpoint.createdAt.toISOString(),
  ended_at: endpoint.endedAt?.toISOString() ?? null,
  /** revoked, or gone: it answered 410. */
  end_reason: endpoint.endReason ?? null,
  last_success_at: endpoint.lastSuccessAt?.toISOString() ?? null,
  /** Attempts that failed one after the other, and since when. */
  failures: endpoint.failures,
  failing_since: endpoint.failingSince?.toISOString() ?? null,
  last_error: endpoint.lastError ?? null,
  /** Deliveries still to be made, counted up to a thousand. */
  pending: endpoint.pending,
});
