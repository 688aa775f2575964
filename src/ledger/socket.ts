/**
 * Sockets to Postgres that say when they fail. postgres.js makes a connection anew, at once and for ever, when it is closed
 * without an error before it was ready, and whoever waits for it hears nothing: a proxy in front of a dead server does
 * just that. And a server that vanished without a word is noticed by TCP after a quarter of an hour.
 */
import { connect, Socket } from "node:net";
import { encrypted, type TlsWish } from "./encrypted-socket.ts";

/** What postgres.js knows of the address. */
export interface SocketAddress {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path?: string | false;
}

export interface SocketWish {
  readonly tls: TlsWish;
  /** An encrypted connection that is not agreed upon within this has failed. */
  readonly agreeMs: number;
  /** A statement that is not answered within this has lost its connection; absent: it may take as long as it takes. */
  readonly silenceMs?: number | undefined;
}

/**
 * For `socket` of postgres.js, which is to know nothing of TLS: it takes the listeners off a socket that it encrypts.
 * Never rejects, for postgres.js would lose the place of the connection in its pool: the socket fails instead.
 */
export function openSockets({ tls, agreeMs, silenceMs }: SocketWish): (address: SocketAddress) => Promise<Socket> {
  let opened = 0;
  return async ({ host: hosts, port: ports, path }) => {
    const at = opened % hosts.length;
    opened += 1;
    const place = { host: hosts[at] ?? "localhost", port: ports[at] ?? 5432 };
    const plain = connect(path ? { path } : place);
    const ready = (socket: Socket) => Object.assign(watched(socket, silenceMs), place); // its errors name the place
    if (tls === false) return ready(plain);
    return encrypted(plain, { tls, host: place.host, withinMs: agreeMs }).then(ready, failing);
  };
}

function watched(socket: Socket, silenceMs: number | undefined): Socket {
  let answeredUpTo = socket.bytesWritten;
  socket.on("data", () => {
    answeredUpTo = socket.bytesWritten;
  });
  if (silenceMs !== undefined)
    socket.setTimeout(silenceMs).on("timeout", () => {
      if (socket.bytesWritten > answeredUpTo) socket.destroy(lost("ETIMEDOUT", `no answer in ${silenceMs} ms`));
    });
  // Before the listener of postgres.js, which only makes a new one.
  socket.on("close", (hadError) => {
    if (!hadError) socket.emit("error", lost("CONNECTION_CLOSED", "the connection was closed"));
  });
  return socket;
}

/**
 * Fails when it is first written to: postgres.js would keep what it could not hand over, and never send anything again on
 * the place of this connection.
 */
function failing(error: Error): Socket {
  const socket = new Socket();
  const write = (): boolean => {
    socket.destroy(error);
    return false;
  };
  return Object.assign(socket, { write });
}

const lost = (code: string, message: string) => Object.assign(new Error(`${message} (${code})`), { code });
