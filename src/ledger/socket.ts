/**
 * Sockets to Postgres that say when they fail. postgres.js makes a connection anew, at once and for ever, when it is closed
 * without an error before it was ready, and whoever waits for it hears nothing: a proxy in front of a dead server does
 * just that. And a server that vanished without a word is noticed by TCP after a quarter of an hour.
 */
import { connect, type Socket } from "node:net";

/** What postgres.js knows of the address. */
export interface SocketAddress {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path?: string | false;
}

/** For `socket` of postgres.js. A statement that is not answered within `silenceMs` has lost its connection. */
export function openSockets(silenceMs: number): (address: SocketAddress) => Socket {
  let opened = 0;
  return ({ host: hosts, port: ports, path }) => {
    const at = opened % hosts.length;
    opened += 1;
    const host = hosts[at] ?? "localhost";
    // postgres.js takes the name to expect in a certificate from `host`.
    const socket = Object.assign(connect(path ? { path } : { host, port: ports[at] ?? 5432 }), { host });
    let answeredUpTo = 0;
    socket.on("data", () => {
      answeredUpTo = socket.bytesWritten;
    });
    socket.setTimeout(silenceMs).on("timeout", () => {
      if (socket.bytesWritten > answeredUpTo) socket.destroy(lost("ETIMEDOUT", `no answer in ${silenceMs} ms`));
    });
    // Before the listener of postgres.js, which only makes a new one.
    socket.on("close", (hadError) => {
      if (!hadError) socket.emit("error", lost("CONNECTION_CLOSED", "the connection was closed"));
    });
    return socket;
  };
}

const lost = (code: string, message: string) => Object.assign(new Error(`${message} (${code})`), { code });
