/**
 * Sockets without undici's own timeouts. Node's fetch gives up after 300 s without headers (measured: 300.8 s), which
 * would end a long whole answer before our total timeout, and the retry would pay for it twice. First token, idle and
 * total time are the pipeline's.
 */
import { Agent } from "undici";

/** The longest delay a timer takes: SDK timeouts cannot be switched off, and a larger number fires at once. */
export const sdkTimeoutMs = 2_147_483_647;

/** A pool of sockets for one connection; idle sockets close by themselves and keep no process alive. */
export const openSockets = () =>
  // Node's types describe the undici inside Node, whose classes differ in name only.
  new Agent({ headersTimeout: 0, bodyTimeout: 0 }) as unknown as NonNullable<RequestInit["dispatcher"]>;
