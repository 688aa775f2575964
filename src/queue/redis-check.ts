/** A look at a Redis that the operator named, before anything relies on it. */
import { SettingsError } from "../config/settings-error.ts";
import { openRedisProbe, type RedisClient } from "../runtime/redis-client.ts";

/**
 * Throws SettingsError when the server is too old, refuses the login or shows a certificate that is not trusted; says what
 * should be otherwise. A server that does not answer is no reason to stop: accepting needs Postgres only, and everything
 * else waits.
 */
export async function checkRedis(redisUrl: string, say: (line: string) => void): Promise<void> {
  const redis = openRedisProbe(redisUrl);
  let refusal: string | undefined;
  const look = (error: unknown) => {
    refusal ??= refusalIn(error);
  };
  for (const event of ["error", "+node"]) {
    redis.on(event, (subject: Error | RedisClient) => {
      // A node of a cluster has its own connection, and tells its own errors.
      if (subject instanceof Error) look(subject);
      else subject.on("error", look);
    });
  }
  try {
    await redis.connect();
    judge(await redis.info(), say);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    look(error);
    if (refusal !== undefined) throw new SettingsError(refusal);
  } finally {
    redis.disconnect();
  }
}

/** What only another REDIS_URL mends. A cluster hides what its nodes said in the error's `lastNodeError`. */
function refusalIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("lastNodeError" in error && error.lastNodeError instanceof Error) return refusalIn(error.lastNodeError);
  if (/^(NOAUTH|WRONGPASS|ERR AUTH|ERR invalid password)/.test(error.message)) {
    return `Redis refuses the login (${error.message}). Check user and password in REDIS_URL.`;
  }
  const code = "code" in error ? String(error.code) : "";
  if (/CERT|SIGNATURE/.test(code)) {
    return `The certificate of Redis is not trusted (${code}). Name its authority with ?tls_ca=FILE in REDIS_URL, and its name with &tls_servername=NAME where that is another than the host's.`;
  }
  return undefined;
}

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
