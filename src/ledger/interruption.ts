/** Errors of Postgres that are nobody's mistake, and what to do about them. */
import { setTimeout as sleep } from "node:timers/promises";

/** Drizzle wraps what the driver says. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
};

/** Postgres refused a value (class 22) or a constraint did (class 23): one row of the statement is to blame. */
export const isRowRefused = (error: unknown): boolean => /^2[23]/.test(codeOf(error));

/**
 * Postgres cannot be written to now, and may be later: the connection could not be made or was lost, the server is
 * stopping, starting, out of connections, memory or disk (class 53), or a standby (25006). Not what we closed ourselves.
 */
export const isPostgresAway = (error: unknown): boolean => away.test(codeOf(error));

const away =
  /^(CONNECTION_CLOSED|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|ENOTFOUND|EAI_AGAIN|08\w{3}|53\w{3}|57P0[123]|25006)$/;

/** The connection is gone, or goes: what a socket says, not what a server answers. */
export const isConnectionLost = (error: unknown): boolean => lost.test(codeOf(error));

const lost =
  /^(CONNECTION_CLOSED|CONNECTION_DESTROYED|CONNECT_TIMEOUT|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|ERR_(SSL|TLS|STREAM)_\w+)$/;

/** It is there and answers, and takes nothing now: a standby, or one that is out of connections, memory or disk. */
export const isWriteRefused = (error: unknown): boolean => /^(25006|53\w{3})$/.test(codeOf(error));

const deadlock = "40P01";
const tries = 10;

/**
 * Two statements that each move many rows may take their locks in opposite orders; Postgres then ends one of them with a
 * deadlock error and nothing of it has happened. Saying it again is the answer.
 */
export async function despiteDeadlocks<Value>(statement: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement();
    } catch (error) {
      if (codeOf(error) !== deadlock || attempt === tries) throw error;
    }
  }
}

/** How often somebody who waits for Postgres asks again. */
export const lookMs = 200;

export interface Patience {
  /** Milliseconds; without end where absent. */
  readonly forMs?: number;
  /** Ends the waiting; the error is thrown then. */
  readonly signal?: AbortSignal;
  /** Told each time that it is away. */
  readonly heard?: (error: unknown) => void;
}

/**
 * Waits for a Postgres that is away. Only for statements that may be said twice: the connection may have been cut after
 * the commit.
 */
export async function despiteAbsence<Value>(patience: Patience, statement: () => Promise<Value>): Promise<Value> {
  const until = Date.now() + (patience.forMs ?? Number.POSITIVE_INFINITY);
  for (;;) {
    try {
      return await statement();
    } catch (error) {
      if (!isPostgresAway(error) || Date.now() > until || patience.signal?.aborted === true) throw error;
      patience.heard?.(error);
      await sleep(lookMs, undefined, patience.signal === undefined ? {} : { signal: patience.signal }).catch(() => {});
    }
  }
}
