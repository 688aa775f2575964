/** A look at a Redis that the operator named, before anything relies on it. */
import { Redis } from "ioredis";
import { SettingsError } from "../config/settings-error.ts";

/**
 * Throws SettingsError when the server is too old or refuses the login; says what should be otherwise. A server that does
 * not answer is no reason to stop: accepting needs Postgres only, and everything else waits.
 */
export async function checkRedis(redisUrl: string, say: (line: string) => void): Promise<void> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: 3_000,
    commandTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectionName: "millrace:check",
  });
  let refusal: string | undefined;
  redis.on("error", (error: Error) => {
    if (isLoginRefused(error)) refusal = error.message;
  });
  try {
    await redis.connect();
    judge(await redis.info(), say);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    if (error instanceof Error && isLoginRefused(error)) refusal = error.message;
    if (refusal !== undefined) {
      throw new SettingsError(`Redis refuses the login (${refusal}). Check user and password in REDIS_URL.`);
    }
  } finally {
    redis.disconnect();
  }
}

const isLoginRefused = (error: Error): boolean =>
  /^(NOAUTH|WRONGPASS|ERR AUTH|ERR invalid password)/.test(error.message);

function judge(info: string, say: (line: string) => void): void {
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim();
  const version = field("redis_version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new SettingsError(`Redis 6.2 or newer is needed; REDIS_URL names ${version || "something else"}.`);
  }
  const policy = field("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction") {
    say(`Redis may throw keys away (maxmemory-policy ${policy}): set it to noeviction.`);
  }
  if (field("aof_enabled") === "0") {
    say("Redis keeps no append-only file: after a restart limits start cold. Set appendonly yes.");
  }
}
