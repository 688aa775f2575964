/** Bounds on open requests, on a real Postgres: exact while many accept at once, and free again when requests end. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { Accepted } from "../../../src/intake/accept.ts";
import type { Order } from "../../../src/intake/order.ts";
import { sealBatch } from "../../../src/ledger/batches.ts";
import { countOpen } from "../../../src/ledger/open-counts.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { promptBody } from "../../../src/request/body.ts";
import { drawn } from "../../support/drawn.ts";
import { eventually } from "../../support/eventually.ts";
import { openBeside, openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const orders = (count: number, tenant = "t", more: Partial<Order> = {}): Order[] =>
  Array.from({ length: count }, () => ({
    tenant,
    priority: "standard",
    body: promptBody("claude-haiku-4-5", "Say hello"),
    ...more,
  }));

const taken = (answers: readonly Accepted[]): number => answers.filter((answer) => answer.ok).length;

const openIn = async (fleet: Fleet, tenant?: string): Promise<number> => {
  const [row] = await fleet.ledger.sql<{ n: number }[]>`
    select count(*)::int as n from requests where finished_at is null and (${tenant ?? null}::text is null or tenant = ${tenant ?? null})`;
  return row?.n ?? 0;
};

const cancelSome = async (fleet: Fleet, limit: number): Promise<void> => {
  const rows = await fleet.ledger.sql<
    { id: string }[]
  >`select id from requests where finished_at is null limit ${limit}`;
  for (const { id } of rows) await cancelRequest(fleet.ledger, id);
};

describe("a bound on open requests", () => {
  test("lets in as many as it says and refuses the next with the numbers and when to come again", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { maxOpenPerTenant: 5 } } });
    expect(taken(await fleet.intake.accept(orders(5)))).toBe(5);
    expect(await fleet.intake.accept(orders(1))).toEqual([
      {
        ok: false,
        refusal: {
          code: "tenant_backlog_full",
          message: expect.stringContaining("5 may be open, 5 are, and 1 more was handed in"),
          retryAfterSeconds: 30,
        },
      },
    ]);
    expect(taken(await fleet.intake.accept(orders(5, "other")))).toBe(5);
    expect(await openIn(fleet)).toBe(10);
  });

  test("takes what is handed in together whole or not at all, over all of its tenants", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { tenants: { small: { maxOpen: 2 } } } } });
    const answers = await fleet.intake.accept([...orders(10, "t"), ...orders(3, "small")]);
    expect(taken(answers)).toBe(0);
    expect(await openIn(fleet)).toBe(0);
    expect(taken(await fleet.intake.accept([...orders(10, "t"), ...orders(2, "small")]))).toBe(12);
  });

  test("has room again when requests end, and says how fast that goes", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { maxOpen: 20 } } });
    await fleet.intake.accept(orders(20));
    expect(taken(await fleet.intake.accept(orders(1)))).toBe(0);
    await cancelSome(fleet, 10);
    await eventually("ten more are taken", async () => taken(await fleet.intake.accept(orders(10))) === 10);
    const [refused] = await fleet.intake.accept(orders(10));
    expect(refused).toMatchObject({ ok: false, refusal: { code: "backlog_full" } });
    // Ten ended within about a second, ten are too many: nobody is sent away for half a minute.
    const wait = refused?.ok === false ? refused.refusal.retryAfterSeconds : undefined;
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThan(10);
  });

  test("counts what was there before anybody counted", async () => {
    const before = await openTestFleet(services);
    await before.intake.accept(orders(7));
    const { sql } = before.ledger;
    expect(await sql`select * from open_counts`).toEqual([]);
    const bounded = await openBeside(before, { backlog: { maxOpen: 8 } });
    expect(taken(await bounded.intake.accept(orders(2)))).toBe(0);
    expect(taken(await bounded.intake.accept(orders(1)))).toBe(1);
  });

  test("does not refuse a key whose request is there already", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { maxOpen: 1 } } });
    const keyed = orders(1, "t", { idempotencyKey: "k" });
    expect(await fleet.intake.accept(keyed)).toMatchObject([{ ok: true, fresh: true }]);
    expect(await fleet.intake.accept(keyed)).toMatchObject([{ ok: true, fresh: false }]);
    expect(await fleet.intake.accept(orders(1, "t", { idempotencyKey: "k2" }))).toMatchObject([{ ok: false }]);
  });

  test("is never exceeded, whoever accepts at once while others end and are counted", async () => {
    const bounds = { maxOpen: 120, maxOpenPerTenant: 50, tenants: { b: { maxOpen: 80 } } };
    const fleet = await openTestFleet(services, { settings: { backlog: bounds } });
    const beside = await openBeside(fleet);
    const hands = drawn(
      fc.record({ tenant: fc.constantFrom("a", "b", "c"), size: fc.integer({ min: 1, max: 9 }) }),
      120,
    );
    let over = false;
    let done = false;
    const watching = (async () => {
      while (!done) {
        const [all, a, b, c] = await Promise.all([
          openIn(fleet),
          ...["a", "b", "c"].map((tenant) => openIn(fleet, tenant)),
        ]);
        over ||= (all ?? 0) > 120 || (a ?? 0) > 50 || (b ?? 0) > 80 || (c ?? 0) > 50;
      }
    })();
    const ending = (async () => {
      while (!done) {
        await cancelSome(fleet, 5);
        // As often as anybody can, and twice at once.
        await fleet.ledger
          .sql`update open_counts set counted_at = counted_at - interval '1 hour' where scope = 'fleet'`;
        await Promise.all([countOpen(fleet.ledger), countOpen(beside.ledger)]);
      }
    })();
    let accepted = 0;
    const accept = async (at: Fleet, part: typeof hands) => {
      for (const { tenant, size } of part) {
        const sum = taken(await at.intake.accept(orders(size, tenant)));
        expect([0, size]).toContain(sum);
        accepted += sum;
      }
    };
    await Promise.all(
      [0, 1, 2, 3, 4, 5].map((hand) =>
        accept(
          hand % 2 === 0 ? fleet : beside,
          hands.filter((_, at) => at % 6 === hand),
        ),
      ),
    );
    done = true;
    await Promise.all([watching, ending]);
    expect(over).toBe(false);
    expect(accepted).toBeGreaterThan(120);
    // Nothing is counted that is not there.
    await fleet.ledger.sql`update open_counts set counted_at = counted_at - interval '1 hour' where scope = 'fleet'`;
    await countOpen(fleet.ledger);
    const [row] = await fleet.ledger.sql<{ open: string }[]>`select open from open_counts where scope = 'fleet'`;
    expect(Number(row?.open)).toBe(await openIn(fleet));
  });
});

describe("a batch under a bound", () => {
  const batch = (total: number, fingerprint = "f") => ({ tenant: "t", source: "s", fingerprint, options: {}, total });

  test("is refused whole before its first line, or has room for all of them however they come", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { maxOpen: 10 } } });
    expect(await fleet.intake.openBatch(batch(11), false)).toMatchObject({
      ok: false,
      refusal: { message: expect.stringContaining("10 may be open, 0 are, and 11 more were handed in") },
    });
    expect(await fleet.ledger.sql`select id from batches`).toEqual([]);

    const opened = await fleet.intake.openBatch(batch(10), false);
    if (!opened.ok) throw new Error(opened.refusal.message);
    // Its room is its own, though no line is in, and though the rows are counted meanwhile.
    await fleet.ledger.sql`update open_counts set counted_at = counted_at - interval '1 hour'`;
    expect(taken(await fleet.intake.accept(orders(1)))).toBe(0);
    const lines = orders(10).map(
      (order, at): Order => ({
        ...order,
        batchId: opened.batch.id,
        line: { no: at + 1, customId: `c${at}`, shape: "plain" },
      }),
    );
    expect(taken(await fleet.intake.accept(lines.slice(0, 4)))).toBe(4);
    expect(taken(await fleet.intake.accept(lines))).toBe(10);
    await sealBatch(fleet.ledger, opened.batch.id);
    expect(await openIn(fleet)).toBe(10);
  });

  test("that was handed in before is found, full or not", async () => {
    const fleet = await openTestFleet(services, { settings: { backlog: { maxOpen: 10 } } });
    const first = await fleet.intake.openBatch(batch(10), false);
    expect(await fleet.intake.openBatch(batch(10), false)).toEqual({ ...first, fresh: false });
    expect(await fleet.intake.openBatch(batch(10), true)).toMatchObject({ ok: false });
  });
});
