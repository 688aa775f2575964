import { openRedisProbe } from "../runtime/redis-client.ts";

/** True when a connection of its own is accepted and answered: what others wait for is not Redis then. */
export async function redisAnswers(redisUrl: string): Promise<boolean> {
  const redis = openRedisProbe(redisUrl);
  redis.on("error", () => {});
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
