/** TLS as Postgres agrees on it: eight bytes ask, one byte answers, and the handshake follows on the same connection. */
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as secure } from "node:tls";

/** `prefer`: encrypted where the server can, the certificate not looked at. */
export type TlsWish = false | "prefer" | ConnectionOptions;

export interface Agreement {
  readonly tls: Exclude<TlsWish, false>;
  /** As the certificate names it, where it is not an address. */
  readonly host: string;
  readonly withinMs: number;
}

/** Length, then the code 1234.5679: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const willing = Buffer.from("S");

/** Once both ends have agreed; `plain` itself where `prefer` may have it. Rejects with what went wrong; it is closed then. */
export async function encrypted(plain: Socket, { tls, host, withinMs }: Agreement): Promise<Socket> {
  let socket = plain;
  const late = setTimeout(() => socket.destroy(failure("ETIMEDOUT", `no TLS within ${withinMs} ms`)), withinMs);
  try {
    await next(plain, "connect");
    plain.write(sslRequest);
    const answer = await next(plain, "data");
    if (!willing.equals(answer)) {
      if (tls === "prefer" && answer.length === 1) return plain;
      throw new Error("this Postgres does not encrypt, which the sslmode of DATABASE_URL asks for");
    }
    const name = isIP(host) === 0 ? { servername: host } : {};
    socket = secure({ socket: plain, ...name, ...(tls === "prefer" ? { rejectUnauthorized: false } : tls) });
    await next(socket, "secureConnect");
    return socket;
  } catch (error) {
    plain.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

const next = (socket: Socket, event: "connect" | "data" | "secureConnect"): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve).once("error", reject);
    socket.once("close", () => reject(failure("CONNECTION_CLOSED", "the connection was closed")));
  });

const failure = (code: string, message: string) => Object.assign(new Error(`${message} (${code})`), { code });
