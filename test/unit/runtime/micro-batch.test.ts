import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { microBatch } from "../../../src/runtime/micro-batch.ts";

/** Round trips that end when the test says so. */
function heldLine() {
  const trips: { readonly items: readonly number[]; readonly end: (error?: Error) => void }[] = [];
  let arrived = () => {};
  const send = (items: readonly number[]) =>
    new Promise<number[]>((resolve, reject) => {
      trips.push({ items, end: (error) => (error ? reject(error) : resolve(items.map((item) => item * 10))) });
      arrived();
    });
  const nth = async (n: number) => {
    while (trips[n] === undefined) await new Promise<void>((resolve) => (arrived = resolve));
    return trips[n];
  };
  return { trips, send, nth };
}

describe("a micro-batch", () => {
  it("sends what is called in one tick as one round trip", async () => {
    const groups: number[] = [];
    const call = microBatch({
      maxItems: 100,
      send: async (items: readonly number[]) => {
        groups.push(items.length);
        return items.map(String);
      },
    });
    expect(await Promise.all([1, 2, 3].map(call))).toEqual(["1", "2", "3"]);
    expect(groups).toEqual([3]);
  });

  it("gathers while its line is busy and never has more round trips under way than lines", async () => {
    const line = heldLine();
    const call = microBatch({ maxItems: 100, lines: 1, send: line.send });
    const first = call(1);
    const trip = await line.nth(0);
    const rest = [2, 3, 4].map(call);
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.trips).toHaveLength(1);
    trip.end();
    expect(await first).toBe(10);
    expect((await line.nth(1)).items).toEqual([2, 3, 4]);
    (await line.nth(1)).end();
    expect(await Promise.all(rest)).toEqual([20, 30, 40]);
  });

  it("fails exactly the items of a failed round trip and goes on", async () => {
    const line = heldLine();
    const call = microBatch({ maxItems: 2, lines: 1, send: line.send });
    const calls = [1, 2, 3, 4, 5].map(call);
    const settled = Promise.allSettled(calls);
    (await line.nth(0)).end();
    (await line.nth(1)).end(new Error("away"));
    (await line.nth(2)).end();
    expect((await settled).map((one) => one.status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
  });

  it("sends a group again one by one when one item is to blame, and fails only that one", async () => {
    const sent: (readonly number[])[] = [];
    const refused = new Error("22003: out of range");
    const call = microBatch({
      maxItems: 10,
      faultOfOne: (error) => error === refused,
      send: async (items: readonly number[]) => {
        sent.push(items);
        if (items.includes(3)) throw refused;
        return items.map((item) => item * 10);
      },
    });
    expect(await Promise.allSettled([1, 2, 3, 4].map(call))).toEqual([
      { status: "fulfilled", value: 10 },
      { status: "fulfilled", value: 20 },
      { status: "rejected", reason: refused },
      { status: "fulfilled", value: 40 },
    ]);
    expect(sent).toEqual([[1, 2, 3, 4], [1], [2], [3], [4]]);
  });

  it("does not send a group again for an error that is nobody's fault", async () => {
    let trips = 0;
    const call = microBatch({
      maxItems: 10,
      faultOfOne: () => false,
      send: async (): Promise<number[]> => {
        trips += 1;
        throw new Error("away");
      },
    });
    await Promise.allSettled([1, 2, 3].map(call));
    expect(trips).toBe(1);
  });

  it("rejects an item that got no answer, and takes undefined for an answer", async () => {
    const short = microBatch({ maxItems: 10, send: async () => [undefined] });
    const settled = await Promise.allSettled([1, 2].map(short));
    expect(settled).toMatchObject([{ status: "fulfilled", value: undefined }, { status: "rejected" }]);
  });

  it("gives every caller its own answer, in groups no larger than allowed, whenever they come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        async (pauses, maxItems, lines) => {
          let under = 0;
          const call = microBatch({
            maxItems,
            lines,
            send: async (items: readonly number[]) => {
              under += 1;
              expect(under).toBeLessThanOrEqual(lines);
              expect(items.length).toBeLessThanOrEqual(maxItems);
              await new Promise((resolve) => setImmediate(resolve));
              under -= 1;
              return items.map((item) => `answer ${item}`);
            },
          });
          const answers: Promise<string>[] = [];
          for (const [at, pause] of pauses.entries()) {
            for (let turn = 0; turn < pause; turn += 1) await new Promise((resolve) => setImmediate(resolve));
            answers.push(call(at));
          }
          expect(await Promise.all(answers)).toEqual(pauses.map((_, at) => `answer ${at}`));
        },
      ),
      { numRuns: 50 },
    );
  });
});
