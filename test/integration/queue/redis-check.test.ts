import { describe, expect, test } from "vitest";
import { SettingsError } from "../../../src/config/settings-error.ts";
import { checkRedis } from "../../../src/queue/redis-check.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

describe("a Redis that the operator named", () => {
  test("is refused with the wrong password, and the message says where to look", async () => {
    const url = new URL(await services.emptyRedis());
    url.password = "wrong";
    const check = checkRedis(url.href, () => {});
    await expect(check).rejects.toThrow(SettingsError);
    await expect(check).rejects.toThrow(/REDIS_URL/);
  });

  test("is accepted without a word when it keeps everything", async () => {
    const said: string[] = [];
    await checkRedis(await services.emptyRedis(), (line) => said.push(line));
    expect(said).toEqual([]);
  });

  test("is accepted with a warning when it may throw keys away", async () => {
    const redis = await services.redis();
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");
    const said: string[] = [];
    await checkRedis(await services.emptyRedis(), (line) => said.push(line));
    await redis.config("SET", "maxmemory-policy", "noeviction");
    expect(said.join("\n")).toMatch(/noeviction/);
  });

  test("is no reason to stop when it does not answer: accepting needs Postgres only", async () => {
    await expect(checkRedis("redis://127.0.0.1:1", () => {})).resolves.toBeUndefined();
  });
});
