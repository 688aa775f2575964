/**
 * Sends what the outbox holds: at least once, each attempt within a bound of time, again later with growing waits. One leads,
 * so that a receiver sees few connections; with Redis away everyone does, and leases in the rows keep them apart. A few
 * deliveries of each endpoint are under way at once, so that one that hangs delays no other.
 */
import type { Fleet } from "../src/fleet/fleet.ts";
import {
  type ClaimedDelivery,
  claimDeliveries,
  giveUpDeliveries,
  handBackDeliveries,
  settleDeliveries,
} from "../src/ledger/webhook-deliveries.ts";
import { retryAfterMs } from "../src/provider/retry-after.ts";
import { openLeadership } from "../src/queue/leadership.ts";
import { openLoop } from "../src/runtime/loop.ts";
import type { Resolve } from "../src/runtime/public-address.ts";
import { eventBody, eventName } from "../src/webhook/event.ts";
import { post } from "../src/webhook/post.ts";
import { signedHeaders } from "../src/webhook/signature.ts";
import { type PostAnswer, verdictOf } from "../src/webhook/verdict.ts";

export interface WebhookSenderOptions {
  readonly onError: (error: unknown) => void;
  /** For one attempt. */
  readonly timeoutMs?: number;
  /** From the claim until another sender may try; longer than an attempt and its record take. */
  readonly leaseMs?: number;
  /** Waits are divided by it: for tests, which have no hours. */
  readonly haste?: number;
  /** Instead of the system's resolver. */
  readonly resolve?: Resolve;
}

const idleLookMs = 1_000;
const tendMs = 10_000;
const perEndpoint = 8;
const mostInHand = 256;
/** What waited this long for an endpoint that failed all the time is given up. */
const givenUpMs = 3 * 86_400_000;

export function startWebhookSender(fleet: Fleet, options: WebhookSenderOptions): { stop(): Promise<void> } {
  const { ledger, telemetry } = fleet;
  const { onError, timeoutMs = 10_000, leaseMs = 30_000, haste = 1, resolve } = options;
  const rule = { ...fleet.config.webhooks, timeoutMs, ...(resolve === undefined ? {} : { resolve }) };
  const leadership = openLeadership(fleet.redisUrl);
  const settle = settleDeliveries(ledger);
  const stopping = new AbortController();
  const inHand = new Map<ClaimedDelivery, Promise<void>>();
  let tendedAt = 0;

  async function look(): Promise<number> {
    const lookMs = idleLookMs / haste;
    if (!(await leadership.leads("webhooks").catch(() => true))) return lookMs;
    if (Date.now() - tendedAt > tendMs) {
      const givenUp = await giveUpDeliveries(ledger, givenUpMs);
      if (givenUp < 1_000) tendedAt = Date.now();
    }
    const limit = mostInHand - inHand.size;
    const claimed = await claimDeliveries(ledger, { limit, perEndpoint, inHand: byEndpoint(), leaseMs });
    for (const delivery of claimed) {
      const sending = send(delivery)
        .catch(onError)
        .finally(() => {
          inHand.delete(delivery);
          loop.wake();
        });
      inHand.set(delivery, sending);
    }
    return lookMs;
  }

  function byEndpoint(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { endpointId } of inHand.keys()) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1);
    return counts;
  }

  /** What is not settled, because we stop or Postgres is away, is due again when its lease ends. */
  async function send(delivery: ClaimedDelivery): Promise<void> {
    const answer = await attempt(delivery);
    if (stopping.signal.aborted && "problem" in answer) return handBackDeliveries(ledger, [delivery]);
    const verdict = verdictOf(answer, delivery, Math.random());
    const { eventId, endpointId, attempt: number } = delivery;
    const waits = { delayMs: (verdict.delayMs ?? 0) / haste, quietMs: (verdict.quietMs ?? 0) / haste };
    await settle({ eventId, endpointId, attempt: number, ...verdict, ...waits });
    telemetry.count("webhooks", { outcome: verdict.state });
  }

  async function attempt({ url, secret, ...delivery }: ClaimedDelivery): Promise<PostAnswer> {
    const body = eventBody(delivery);
    const signed = signedHeaders({ secret, id: eventName(delivery.eventId), body, atMs: Date.now() });
    const headers = { ...signed, "content-type": "application/json", "user-agent": "millrace-webhooks" };
    const end = await post({ url, body, headers }, rule, stopping.signal);
    if ("problem" in end) return end;
    const waitMs = retryAfterMs(end.headers, Date.now());
    return { status: end.status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
  }

  const loop = openLoop(look, { onError, retryMs: idleLookMs });
  return {
    async stop() {
      await loop.stop();
      stopping.abort();
      await Promise.all(inHand.values());
      await leadership.resign();
    },
  };
}
