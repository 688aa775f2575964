/**
 * Postgres away for a while: a restart, a failover, a cut network. A worker that holds a paid answer waits for it rather
 * than throwing the answer away, and one that has a job in hand rather than dropping it. Only for statements that may be
 * said twice: whether the first one was carried out before the connection broke is not known.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./contention.ts";

/** Not CONNECTION_ENDED and CONNECTION_DESTROYED: there it was us who closed. */
const away =
  /^(CONNECTION_CLOSED|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|08\w{3}|57P0[123]|53300)$/;
const pauseMs = 200;

/** Rejects with the last error after `patienceMs`; leases bring back then what was in hand. */
export async function despiteOutage<Value>(statement: () => Promise<Value>, patienceMs = 60_000): Promise<Value> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await statement();
    } catch (error) {
      if (!away.test(String(codeOf(error))) || Date.now() > until) throw error;
      await sleep(pauseMs);
    }
  }
}
