import { expect, it, onTestFinished } from "vitest";
import { type KeyLimits, openKeyGate } from "../../../src/admission/key-limits.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const minuteUs = 60_000_000;

/** Two processes on one Redis, on a clock that a test moves. */
async function world() {
  const url = await services.emptyRedis();
  const time = { us: 40_000_000_123_456 };
  const gates = [0, 1].map(() => openKeyGate(url, { clockUs: () => time.us }));
  onTestFinished(() => {
    for (const gate of gates) gate.close();
  });
  const [gate, other] = gates;
  if (gate === undefined || other === undefined) throw new Error("no gate");
  return { gate, other, time, redis: await services.redis() };
}

const limits = (requestsPerMinute?: number, tokensPerMinute?: number): KeyLimits => ({
  keyId: "a",
  requestsPerMinute,
  tokensPerMinute,
});
const work = (requests: number, tokens = 0) => ({ requests, tokens });

it("lets in no minute more through than the limits, wherever it begins, and wastes little of them", async () => {
  const { gate, other, time } = await world();
  const granted: { readonly us: number; readonly tokens: number }[] = [];
  const beganUs = time.us;
  for (let at = 0; time.us < beganUs + 5 * minuteUs; at += 1) {
    const tokens = 1 + ((at * 37) % 90);
    const verdict = await (at % 2 === 0 ? gate : other).charge(limits(20, 900), work(1, tokens));
    if (verdict.granted) granted.push({ us: time.us, tokens });
    time.us += 100_000 + ((at * 7_919) % 1_900_000);
  }

  for (const first of granted) {
    const within = granted.filter(({ us }) => us >= first.us && us < first.us + minuteUs);
    expect(within.length).toBeLessThanOrEqual(20);
    expect(within.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(900);
  }
  expect(granted.length).toBeGreaterThan(75);
});

it("charges a list whole or not at all, also when many ask at once", async () => {
  const { gate, other } = await world();

  const verdicts = await Promise.all(
    Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? gate : other).charge(limits(100, 1_000), work(7, 50))),
  );

  expect(verdicts.filter(({ granted }) => granted)).toHaveLength(14);
  expect((await gate.charge(limits(100, 1_000), work(2, 300))).granted).toBe(true);
  expect((await gate.charge(limits(100, 1_000), work(1, 0))).granted).toBe(false);
});

it("says when to come again, and then there is room", async () => {
  const { gate, time } = await world();
  await gate.charge(limits(3), work(2));
  time.us += 10_000_000;
  await gate.charge(limits(3), work(1));

  const refused = await gate.charge(limits(3), work(2));
  expect(refused).toMatchObject({ granted: false, used: work(3) });
  time.us += (refused.retryAfterMs ?? 0) * 1_000 - 1_000;
  expect((await gate.charge(limits(3), work(2))).granted).toBe(false);
  time.us += 1_000;
  expect((await gate.charge(limits(3), work(2))).granted).toBe(true);
  expect((await gate.charge(limits(3), work(4))).retryAfterMs).toBeUndefined();
});

it("gives back what brought nothing new, and forgets a key that rests", async () => {
  const { gate, redis } = await world();
  const verdict = await gate.charge(limits(3, 100), work(3, 100));
  await gate.giveBack(limits(3, 100), verdict, work(1, 40));

  expect((await gate.charge(limits(3, 100), work(1, 41))).granted).toBe(false);
  expect((await gate.charge(limits(3, 100), work(1, 40))).granted).toBe(true);
  expect(await redis.pttl("millrace:key:{a}")).toBeGreaterThan(60_000);
});
