import type { LookupAddress } from "node:dns";
import { describe, expect, onTestFinished, test } from "vitest";
import { registerEndpoint } from "../../../producers/webhook-endpoint.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { cancelBatch, openBatch } from "../../../src/ledger/batches.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { claimDeliveries, giveUpDeliveries } from "../../../src/ledger/webhook-deliveries.ts";
import {
  createEndpoint,
  type EndpointView,
  endpointById,
  revokeEndpoint,
} from "../../../src/ledger/webhook-endpoints.ts";
import { batchName } from "../../../src/request/batch-name.ts";
import { eventTypes } from "../../../src/webhook/event.ts";
import { startWebhookSender, type WebhookSenderOptions } from "../../../workers/webhook-sender.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { accepted, requestIn } from "../../support/ledger.ts";
import { testProvider } from "../../support/provider.ts";
import { startReceiver } from "../../support/receiver.ts";
import { useServices } from "../../support/services.ts";
import { handIn, prompts, startWork } from "../../support/work.ts";

const services = useServices();
const privately = { settings: { webhooks: { allowPrivate: true } } };

/** Waits of retries in milliseconds where life has seconds. */
function startSending(fleet: Fleet, options: Partial<WebhookSenderOptions> = {}) {
  const errors: unknown[] = [];
  const sender = startWebhookSender(fleet, { onError: (error) => errors.push(error), haste: 200, ...options });
  onTestFinished(() => sender.stop());
  return { stop: () => sender.stop(), errors };
}

async function register(fleet: Fleet, url: string, more: { readonly batchRequests?: boolean } = {}) {
  const made = await registerEndpoint(fleet, { tenant: "t", url, batchRequests: false, ...more });
  if (!made.ok) throw new Error(made.reason);
  return { id: made.endpoint.id, secret: made.secret };
}

const deliveries = (fleet: Fleet) =>
  fleet.ledger.sql<
    { state: string; attempts: number; last_status: number | null; last_error: string | null; subject_id: string }[]
  >`select state, attempts, last_status, last_error, subject_id from webhook_deliveries order by occurred_at`;

const allIn = (fleet: Fleet, state: string) =>
  eventually(`all are ${state}`, async () => {
    const rows = await deliveries(fleet);
    return rows.length > 0 && rows.every((row) => row.state === state) ? rows : undefined;
  });

async function healthOf(fleet: Fleet, id: string): Promise<EndpointView> {
  const found = await endpointById(fleet.ledger, id);
  if (found === undefined) throw new Error(`no endpoint ${id}`);
  return found;
}

describe("a receiver", () => {
  test("is told of requests and batches as they end, in what the official SDK verifies", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver();
    const { id: endpointId, secret } = await register(fleet, receiver.url);
    const errors: unknown[] = [];
    await startWork(fleet, { anthropic: testProvider() }, errors);
    const [id] = await handIn(fleet, prompts(1));
    const options = { tenant: "t", source: "x", fingerprint: "f", options: {}, total: 0 };
    const batch = await openBatch(fleet.ledger, options);
    await cancelBatch(fleet.ledger, batch.id);
    await allIn(fleet, "delivered");
    await eventually("both have come", () => receiver.received.length === 2);
    const events = await Promise.all(receiver.received.map((one) => receiver.unwrap(one, secret)));
    const told = { object: "event", id: expect.stringMatching(/^evt_[\da-f]{32}$/), created_at: expect.any(Number) };
    expect(events).toEqual(
      expect.arrayContaining([
        { ...told, type: "request.succeeded", data: { id } },
        { ...told, type: "batch.cancelled", data: { id: batchName(batch.id) } },
      ]),
    );
    for (const [at, one] of receiver.received.entries()) {
      expect(one.headers).toMatchObject({ "content-type": "application/json", "user-agent": "millrace-webhooks" });
      expect(events[at]).toMatchObject({ id: one.id });
    }
    expect(await healthOf(fleet, endpointId)).toMatchObject({
      failures: 0,
      pending: 0,
      lastSuccessAt: expect.any(Date),
    });
    expect(errors).toEqual([]);
  });

  test("that fails, redirects, hangs, hangs up or switches protocols is told again, the same with the same id, until it takes it", async () => {
    const fleet = await openTestFleet(services, privately);
    const elsewhere = await startReceiver();
    const receiver = await startReceiver((_received, nth) => {
      if (nth === 1) return 500;
      if (nth === 2) return (answer) => answer.writeHead(307, { location: elsewhere.url }).end();
      if (nth === 3) return () => {};
      if (nth === 4) return (answer) => answer.destroy();
      if (nth === 5) {
        const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
        return (answer) => void answer.socket?.write(head);
      }
      return 204;
    });
    const { id, secret } = await register(fleet, receiver.url);
    const { errors } = startSending(fleet, { timeoutMs: 200 });
    await requestIn(fleet.ledger, "succeeded");
    const [row] = await allIn(fleet, "delivered");
    expect(row).toMatchObject({ attempts: 6, last_status: 204, last_error: null });
    expect(receiver.received).toHaveLength(6);
    expect(new Set(receiver.received.map((one) => `${one.id} ${one.body}`)).size).toBe(1);
    for (const one of receiver.received) await receiver.unwrap(one, secret);
    expect(elsewhere.received).toHaveLength(0);
    expect(await healthOf(fleet, id)).toMatchObject({ failures: 0, failingSince: undefined });
    expect(errors).toEqual([]);
  });

  test("that fails every third time misses nothing, and hears nothing that did not happen", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver((_received, nth) => (nth % 3 === 0 ? 503 : 200));
    const { secret } = await register(fleet, receiver.url);
    startSending(fleet);
    const ids = await accepted(fleet.ledger, 100);
    await Promise.all(ids.map((id) => cancelRequest(fleet.ledger, id)));
    await allIn(fleet, "delivered");
    const events = await Promise.all(receiver.received.map((one) => receiver.unwrap(one, secret)));
    expect(events.length).toBeGreaterThan(100);
    const told = new Set(events.map((event) => JSON.stringify(event)));
    expect([...told].map((event) => JSON.parse(event).data.id).sort()).toEqual(ids.sort());
  });

  test("that answers 410 is told nothing more, and its secret is forgotten", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver(() => 410);
    const { id } = await register(fleet, receiver.url);
    for (let count = 0; count < 3; count += 1) await requestIn(fleet.ledger, "succeeded");
    startSending(fleet);
    await eventually("it has ended", async () => (await healthOf(fleet, id)).endReason === "gone");
    await eventually("what was left is given up", async () => {
      await giveUpDeliveries(fleet.ledger, 1_000_000);
      return (await deliveries(fleet)).every((row) => row.state === "dead");
    });
    const seen = receiver.received.length;
    await requestIn(fleet.ledger, "succeeded");
    expect(await deliveries(fleet)).toHaveLength(3);
    expect(receiver.received).toHaveLength(seen);
    expect(await fleet.ledger.sql`select secret from webhook_endpoints`).toEqual([{ secret: null }]);
  });

  test("that says when it can be asked again is left alone until then, with all that waits for it", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver(() => (answer) => answer.writeHead(503, { "retry-after": "3600" }).end());
    const { id } = await register(fleet, receiver.url);
    await requestIn(fleet.ledger, "succeeded");
    startSending(fleet, { haste: 1 });
    await eventually("it has failed", async () => (await healthOf(fleet, id)).failures === 1);
    await requestIn(fleet.ledger, "failed");
    expect(
      await claimDeliveries(fleet.ledger, { limit: 10, perEndpoint: 8, inHand: new Map(), leaseMs: 1_000 }),
    ).toEqual([]);
    const [row] = await fleet.ledger.sql<{ quiet: number; due: number }[]>`
      select extract(epoch from quiet_until - now())::float8 as quiet,
        (select extract(epoch from next_at - now())::float8 from webhook_deliveries where attempts = 1) as due
      from webhook_endpoints`;
    expect(row?.quiet).toBeGreaterThan(3_500);
    expect(row?.due).toBeGreaterThan(3_500);
    expect(await healthOf(fleet, id)).toMatchObject({ lastError: "503", pending: 2 });
  });

  test("that hangs keeps nobody else waiting, and is asked one thing at a time", async () => {
    const fleet = await openTestFleet(services, privately);
    const [dead, well] = [await startReceiver(() => () => {}), await startReceiver()];
    await register(fleet, dead.url);
    const { id: wellId } = await register(fleet, well.url);
    await fleet.ledger.sql`update webhook_endpoints set failures = 1, failing_since = now() where id <> ${wellId}`;
    for (let count = 0; count < 30; count += 1) await requestIn(fleet.ledger, "cancelled");
    startSending(fleet);
    await eventually("the other has all", () => well.received.length === 30);
    expect(dead.received).toHaveLength(1);
  });

  test("whose answer never ends is not listened to for long", async () => {
    const fleet = await openTestFleet(services, privately);
    let hungUp = false;
    const receiver = await startReceiver(() => (answer) => {
      answer.writeHead(200);
      const more = () => answer.write("x".repeat(1_024), () => !hungUp && setImmediate(more));
      answer.on("close", () => {
        hungUp = true;
      });
      more();
    });
    await register(fleet, receiver.url);
    await requestIn(fleet.ledger, "succeeded");
    startSending(fleet, { timeoutMs: 60_000 });
    await allIn(fleet, "delivered");
    await eventually("we have hung up", () => hungUp);
  });
});

describe("the outbox", () => {
  test("gives what a sender had in hand when it was lost to the next one, once its lease ends", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver();
    await register(fleet, receiver.url);
    for (let count = 0; count < 3; count += 1) await requestIn(fleet.ledger, "succeeded");
    const claim = { limit: 10, perEndpoint: 8, inHand: new Map(), leaseMs: 60_000 };
    expect(await claimDeliveries(fleet.ledger, claim)).toHaveLength(3);
    expect(await claimDeliveries(fleet.ledger, claim)).toEqual([]);
    await fleet.ledger.sql`update webhook_deliveries set next_at = next_at - interval '60 seconds'`;
    startSending(fleet);
    expect(await allIn(fleet, "delivered")).toMatchObject([{ attempts: 2 }, { attempts: 2 }, { attempts: 2 }]);
    expect(receiver.received).toHaveLength(3);
  });

  test("gives a delivery to one of several senders that ask at once", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver();
    await register(fleet, receiver.url);
    for (let count = 0; count < 40; count += 1) await requestIn(fleet.ledger, "succeeded");
    const claims = await Promise.all(
      [1, 2, 3].map(() =>
        claimDeliveries(fleet.ledger, { limit: 20, perEndpoint: 20, inHand: new Map(), leaseMs: 60_000 }),
      ),
    );
    const ids = claims.flat().map((one) => one.eventId);
    expect(ids.length).toBeGreaterThanOrEqual(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("has what was broken off by a sender that stops, as if it had not been begun", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver((_received, nth) => (nth === 1 ? () => {} : 200));
    await register(fleet, receiver.url);
    await requestIn(fleet.ledger, "succeeded");
    const { stop } = startSending(fleet);
    await eventually("it hangs", () => receiver.received.length === 1);
    await stop();
    expect(await deliveries(fleet)).toMatchObject([{ state: "pending", attempts: 0 }]);
    startSending(fleet);
    await allIn(fleet, "delivered");
    expect(receiver.received[0]?.id).toBe(receiver.received[1]?.id);
  });

  test("gives up what is twenty times in vain, what is revoked, and what has waited for days on one that always fails", async () => {
    const fleet = await openTestFleet(services, privately);
    const { ledger } = fleet;
    const receiver = await startReceiver(() => 500);
    const { id } = await register(fleet, receiver.url);
    await requestIn(ledger, "succeeded");
    await ledger.sql`update webhook_deliveries set attempts = 19`;
    const { stop } = startSending(fleet);
    expect(await allIn(fleet, "dead")).toMatchObject([{ attempts: 20, last_status: 500, last_error: "500" }]);
    await stop();
    await requestIn(ledger, "succeeded");
    await ledger.sql`update webhook_deliveries set next_at = now() - interval '4 days' where state = 'pending'`;
    const dayMs = 86_400_000;
    expect(await giveUpDeliveries(ledger, 3 * dayMs)).toBe(0);
    await ledger.sql`update webhook_endpoints set failing_since = now() - interval '4 days'`;
    expect(await giveUpDeliveries(ledger, 3 * dayMs)).toBe(1);
    await requestIn(ledger, "succeeded");
    expect(await giveUpDeliveries(ledger, 3 * dayMs)).toBe(0);
    await revokeEndpoint(ledger, id);
    expect(await giveUpDeliveries(ledger, 3 * dayMs)).toBe(1);
  });
});

describe("an address that is not public", () => {
  const lying = (addresses: readonly LookupAddress[]) => {
    let asked = 0;
    return {
      asked: () => asked,
      resolve: (_name: string, _options: object, answer: (error: null, found: LookupAddress[]) => void) => {
        asked += 1;
        answer(null, [...addresses]);
      },
    };
  };

  test("is not connected to when a name that was fine leads to it later", async () => {
    const fleet = await openTestFleet(services);
    const receiver = await startReceiver();
    const port = new URL(receiver.url).port;
    await register(fleet, `http://rebinding.example:${port}/hook`);
    await requestIn(fleet.ledger, "succeeded");
    const { asked, resolve } = lying([{ address: "127.0.0.1", family: 4 }]);
    startSending(fleet, { resolve });
    const [row] = await eventually("it is refused", async () => {
      const rows = await deliveries(fleet);
      return rows.every((one) => one.last_error !== null) ? rows : undefined;
    });
    expect(row).toMatchObject({
      state: "pending",
      last_status: null,
      last_error: expect.stringContaining("not public"),
    });
    expect(asked()).toBeGreaterThan(0);
    expect(receiver.received).toHaveLength(0);
  });

  test("is connected to by the very answer of the lookup, where private addresses are allowed", async () => {
    const fleet = await openTestFleet(services, privately);
    const receiver = await startReceiver();
    await register(fleet, `http://rebinding.example:${new URL(receiver.url).port}/hook`);
    await requestIn(fleet.ledger, "succeeded");
    startSending(fleet, { resolve: lying([{ address: "127.0.0.1", family: 4 }]).resolve });
    await allIn(fleet, "delivered");
    expect(receiver.received[0]?.headers.host).toContain("rebinding.example");
  });

  test("is refused at registering, and at sending where it was registered while that was allowed", async () => {
    const fleet = await openTestFleet(services);
    const receiver = await startReceiver();
    expect(await registerEndpoint(fleet, { tenant: "t", url: receiver.url, batchRequests: false })).toMatchObject({
      ok: false,
      code: "bad_url",
    });
    const wish = { tenant: "t", secret: "whsec_AAAA", events: eventTypes, batchRequests: false };
    await createEndpoint(fleet.ledger, { ...wish, url: receiver.url });
    await requestIn(fleet.ledger, "succeeded");
    startSending(fleet);
    await eventually("it is refused", async () => (await deliveries(fleet))[0]?.last_error?.includes("not public"));
    expect(receiver.received).toHaveLength(0);
  });
});
