import { describe, expect, test } from "vitest";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { loadEstimates, saveEstimates } from "../../../src/ledger/estimates.ts";
import { limitReadings } from "../../../src/ledger/limit-readings.ts";
import { openLimitObserver } from "../../../src/ledger/rate-limits.ts";
import { openTestLedger } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";

async function observing() {
  const ledger = await openTestLedger(services);
  const pool = buildCatalog(readEnvironment({}), settingsFileSchema.parse({})).pools.get("anthropic.haiku");
  if (pool === undefined) throw new Error("no such pool");
  const errors: unknown[] = [];
  const open = () => openLimitObserver(ledger, (error) => errors.push(error));
  const kept = async () =>
    Object.fromEntries((await limitReadings(ledger)).map(({ dimension, ...row }) => [dimension, row]));
  return { ledger, pool, errors, open, kept };
}

describe("limits of a pool", () => {
  test("are kept as headers said them and as they are followed, also where no header speaks", async () => {
    const { pool, open, kept, errors } = await observing();
    const observer = open();
    observer.observe(
      pool,
      { requests: { limit: 50, remaining: 49, resetMs: 1_200.4 } },
      { requests: 50, inputTokens: 40_000 },
    );
    await observer.close();
    expect(await kept()).toMatchObject({
      requests: { pool: "anthropic.haiku", limit: 50, remaining: 49, resetMs: 1_200, followed: 50 },
      inputTokens: { limit: null, remaining: null, resetMs: null, followed: 40_000 },
    });
    expect(errors).toEqual([]);
  });

  test("that are followed stay when an answer says nothing of them, and are unknown again when that is said", async () => {
    const { pool, open, kept } = await observing();
    const first = open();
    first.observe(pool, { requests: { limit: 50 } }, { requests: 45, inputTokens: 40_000 });
    first.observe(pool, { requests: { limit: 60 } });
    await first.close();
    expect(await kept()).toMatchObject({ requests: { limit: 60, followed: 45 }, inputTokens: { followed: 40_000 } });
    const second = open();
    second.observe(pool, { requests: { remaining: 3 } }, { inputTokens: undefined });
    await second.close();
    expect(await kept()).toMatchObject({
      requests: { limit: null, remaining: 3, followed: 45 },
      inputTokens: { followed: null },
    });
  });

  test("are still observed by callers that know nothing of what is followed", async () => {
    const { pool, open, kept } = await observing();
    const observer = open();
    observer.observe(pool, { tokens: { limit: 1_000, remaining: 10 } });
    await observer.close();
    expect(await kept()).toMatchObject({ tokens: { limit: 1_000, remaining: 10, followed: null } });
  });
});

describe("estimates of deployments", () => {
  test("come back as they were saved, by deployment", async () => {
    const { ledger } = await observing();
    await saveEstimates(ledger, []);
    await saveEstimates(ledger, [
      { deployment: "openai/gpt-5-mini", inputRatio: 1.25, outputTokens: undefined },
      { deployment: haiku, inputRatio: 0.875, outputTokens: 310 },
    ]);
    expect(await loadEstimates(ledger)).toEqual([
      { deployment: haiku, provider: "anthropic", inputRatio: 0.875, outputTokens: 310, updatedAt: expect.any(Date) },
      expect.objectContaining({ deployment: "openai/gpt-5-mini", provider: "openai", outputTokens: undefined }),
    ]);
  });

  test("are replaced by newer ones, but not known output by unknown", async () => {
    const { ledger } = await observing();
    await saveEstimates(ledger, [{ deployment: haiku, inputRatio: 1, outputTokens: 310 }]);
    await saveEstimates(ledger, [{ deployment: haiku, inputRatio: 1.5, outputTokens: undefined }]);
    expect(await loadEstimates(ledger)).toMatchObject([{ inputRatio: 1.5, outputTokens: 310 }]);
  });
});
