/** When a request that is called for here asks for its call, and what becomes of its slot when it was not stored. */
import { describe, expect, it } from "vitest";
import { type Here, openLocalCalls } from "../../../src/intake/here.ts";
import type { NewRequest } from "../../../src/ledger/accept.ts";
import { promptBody } from "../../../src/request/body.ts";
import { priorities } from "../../../src/request/priority.ts";

const row = (id: string, more: Partial<NewRequest> = {}): NewRequest => ({
  id,
  tenant: "t",
  model: "m",
  deployment: "d",
  lane: "l",
  priority: priorities.interactive,
  body: promptBody("m", "Say hello"),
  estInputTokens: 1,
  estOutputTokens: 1,
  replyWanted: true,
  ...more,
});

async function claimed(...rows: readonly NewRequest[]) {
  const told: string[] = [];
  const here: Here = {
    claim: ({ id }) => ({ leaseToken: `token of ${id}`, leaseMs: 1 }),
    run: async ({ id }, stored) => {
      told.push(`asks for ${id}`);
      await stored;
      return undefined;
    },
    release: ({ id }) => told.push(`leaves ${id}`),
  };
  const local = openLocalCalls({ isFree: async () => true });
  local.offer(here);
  return { told, local, rows: await local.claim(rows) };
}

describe("a request that is being stored", () => {
  it("asks at once, and with an idempotency key when it is known to be new", async () => {
    const { told, local, rows } = await claimed(row("a"), row("b", { idempotencyKey: "k" }));
    let store = (_ids: ReadonlySet<string>) => {};
    const stored = new Promise<ReadonlySet<string>>((resolve) => {
      store = resolve;
    });
    const called = local.run(rows, stored, 0);
    expect(told).toEqual(["asks for a"]);

    store(new Set(["a", "b"]));
    await Promise.all(called.values());
    expect(told).toEqual(["asks for a", "asks for b"]);
  });

  it("asks for nothing and leaves its slot when its key was there before", async () => {
    const { told, local, rows } = await claimed(row("b", { idempotencyKey: "k" }));
    await Promise.all(local.run(rows, Promise.resolve(new Set<string>()), 0).values());
    expect(told).toEqual(["leaves b"]);
  });
});
