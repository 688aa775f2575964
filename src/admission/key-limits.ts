/** Limits of single API keys, counted for the whole fleet in Redis: requests and tokens in any minute. */
import type { Body } from "../request/body.ts";
import { estimateTokens } from "./estimate.ts";
import { openScripts } from "./scripts.ts";

export interface KeyLimits {
  readonly keyId: string;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** Undefined: the key has none. Pure. */
export function limitsOf(key: { readonly id: string } & Omit<KeyLimits, "keyId">): KeyLimits | undefined {
  const { id: keyId, requestsPerMinute, tokensPerMinute } = key;
  const isLimited = requestsPerMinute !== undefined || tokensPerMinute !== undefined;
  return isLimited ? { keyId, requestsPerMinute, tokensPerMinute } : undefined;
}

export interface Work {
  readonly requests: number;
  readonly tokens: number;
}

/** What requests for these bodies are estimated to take. Pure. */
export const workOf = (bodies: readonly Body[]): Work => ({
  requests: bodies.length,
  tokens: bodies.reduce((sum, body) => {
    const { input, output } = estimateTokens(body);
    return sum + input + output;
  }, 0),
});

export interface KeyVerdict {
  readonly granted: boolean;
  /** What the key has in use now, this work included when it was granted. */
  readonly used: Work;
  /** Until nothing is in use. */
  readonly resetMs: number;
  /** Of a refusal: until it is worth asking again; undefined: never, it is more than a limit. */
  readonly retryAfterMs: number | undefined;
  /** Says which minute was charged. */
  readonly second: number;
}

export interface KeyGate {
  /** Charges all of it or nothing. Rejects when Redis is away: what nobody can count is not let through. */
  charge(limits: KeyLimits, work: Work): Promise<KeyVerdict>;
  /** Gives back what was charged and brought nothing new. */
  giveBack(limits: KeyLimits, verdict: KeyVerdict, work: Work): Promise<void>;
  close(): void;
}

export interface KeyGateOptions {
  /** Instead of Redis' clock: microseconds since 2025-01-01. */
  readonly clockUs?: () => number;
}

const keptMs = 62_000;

/** Connects with the first key that has a limit. */
export function openKeyGate(redisUrl: string, { clockUs }: KeyGateOptions = {}): KeyGate {
  let opened: ReturnType<typeof openScripts> | undefined;
  const open = () => {
    opened ??= openScripts(redisUrl);
    return opened;
  };
  return {
    async charge({ keyId, requestsPerMinute = -1, tokensPerMinute = -1 }, { requests, tokens }) {
      const time = clockUs?.() ?? "";
      const [granted = 0, second = 0, usedRequests = 0, usedTokens = 0, waitUs = 0, resetUs = 0] =
        await open().scripts.charge(hashOf(keyId), time, requestsPerMinute, tokensPerMinute, requests, tokens);
      return {
        granted: granted === 1,
        second,
        used: { requests: usedRequests, tokens: usedTokens },
        resetMs: resetUs / 1_000,
        retryAfterMs: waitUs < 0 ? undefined : waitUs / 1_000,
      };
    },
    async giveBack({ keyId }, { second }, { requests, tokens }) {
      const key = hashOf(keyId);
      // A minute that is over is forgotten with its key, and what comes too late for it says nothing of a later one.
      await open()
        .redis.multi()
        .hincrby(key, `r${second}`, -requests)
        .hincrby(key, `t${second}`, -tokens)
        .pexpire(key, keptMs)
        .exec();
    },
    close: () => opened?.redis.disconnect(),
  };
}

const hashOf = (keyId: string): string => `millrace:key:{${keyId}}`;
