import { expect, test } from "vitest";
import { registerEndpoint } from "../../producers/webhook-endpoint.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { requestIn } from "../support/ledger.ts";
import { startReceiver } from "../support/receiver.ts";
import { useServices } from "../support/services.ts";

const services = useServices();

test("a sender that is killed between claim and delivery loses no event; what comes twice has the same id", async () => {
  const { fleet, worker } = await openScene(services, { environment: { MILLRACE_ALLOW_PRIVATE_URLS: "true" } });
  let isHanging = true;
  const receiver = await startReceiver((_received, nth) => (isHanging && nth > 3 ? () => {} : 200));
  const made = await registerEndpoint(fleet, { tenant: "t", url: receiver.url, batchRequests: false });
  const secret = made.ok ? made.secret : "";
  const ids: string[] = [];
  for (let count = 0; count < 10; count += 1) ids.push(await requestIn(fleet.ledger, "succeeded"));

  const sender = await worker("reconciler");
  await eventually("some hang", () => receiver.received.length > 5);
  sender.kill("SIGKILL");
  await sender.ended;
  isHanging = false;
  // The end of its leases, half a minute later in life.
  await fleet.ledger.sql`update webhook_deliveries set next_at = now() where state = 'pending'`;
  await worker("reconciler");
  await eventually("all are delivered", async () => {
    const [row] = await fleet.ledger.sql<{ n: number }[]>`
      select count(*)::int as n from webhook_deliveries where state = 'delivered'`;
    return row?.n === 10;
  });

  const events = await Promise.all(receiver.received.map((one) => receiver.unwrap(one, secret)));
  const subjects = new Map<string, Set<string>>();
  for (const [at, { id }] of receiver.received.entries()) {
    subjects.set(id, (subjects.get(id) ?? new Set()).add(JSON.stringify(events[at])));
  }
  expect(receiver.received.length).toBeGreaterThan(10);
  expect([...subjects.values()].every((said) => said.size === 1)).toBe(true);
  const told = [...subjects.values()].flatMap((said) => [...said]).map((event) => JSON.parse(event).data.id);
  expect(told.sort()).toEqual(ids.sort());
});
