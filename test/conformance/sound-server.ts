/** A server for the wires of sound: raw bodies in, bytes out, and every fault of HTTP to order. Loopback only. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";

export interface Arrival {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written one after another, each in its own packet. Without a `content-length` the body goes in chunks. */
  readonly pieces?: readonly (string | Uint8Array)[];
}

/** What happens to the next reply: bytes are those of the good one. */
export type Fault =
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "hang" | "drip" | "endless" }
  | { readonly kind: "reset" | "end"; readonly afterPieces: number };

export interface SoundServer {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  order(fault: Fault): void;
  stop(): Promise<void>;
}

export async function startSoundServer(answer: (arrival: Arrival) => Reply | Promise<Reply>): Promise<SoundServer> {
  const arrivals: Arrival[] = [];
  let fault: Fault | undefined;
  const server = createServer(async (request, response) => {
    const arrival = await received(request);
    arrivals.push(arrival);
    const ordered = fault;
    fault = undefined;
    await send(response, ordered?.kind === "reply" ? ordered.reply : await answer(arrival), ordered);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    arrivals,
    order(next) {
      fault = next;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function received(request: IncomingMessage): Promise<Arrival> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headers = z.record(z.string(), z.string().or(z.array(z.string()).transform(String))).parse(request.headers);
  const url = new URL(request.url ?? "", "http://server");
  return { method: request.method ?? "", url, headers: new Headers(headers), body: Buffer.concat(chunks) };
}

async function send(response: ServerResponse, reply: Reply, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === "hang") return;
  const pieces = (reply.pieces ?? []).map((piece) => Buffer.from(piece));
  const cut = fault?.kind === "reset" || fault?.kind === "end" ? fault.afterPieces : undefined;
  if (fault?.kind === "reset" && cut === 0) {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault?.kind === "endless") {
    // As HTTP/1.0 did: the body ends with the connection, wherever that is.
    response.socket?.write(
      `HTTP/1.1 200 OK\r\ncontent-type: ${reply.headers?.["content-type"]}\r\nconnection: close\r\n\r\n`,
    );
    for (const piece of pieces) response.socket?.write(piece);
    response.socket?.end();
    return;
  }
  response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
  response.flushHeaders();
  if (fault?.kind === "drip") return drip(response, Buffer.concat(pieces));
  for (const piece of pieces.slice(0, cut)) {
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    await new Promise(setImmediate);
  }
  if (fault?.kind === "reset") response.socket?.resetAndDestroy();
  else if (fault?.kind === "end") response.socket?.end();
  else response.end();
}

/** A byte at a time, and never the last one. */
function drip(response: ServerResponse, bytes: Buffer): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < bytes.length - 1) response.write(bytes.subarray(at, at + 1));
    at += 1;
  }, 5);
  response.on("close", () => clearInterval(timer));
}
