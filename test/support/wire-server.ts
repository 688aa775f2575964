/**
 * A tiny HTTP server that answers with exactly the bytes it is told, for odd answers that no simulator gives. Loopback
 * only. What it received can be read back.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";

export interface WireAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written one after another, each in its own packet. */
  readonly pieces?: readonly (string | Uint8Array)[];
  /** After the pieces: end well (default), reset the connection, or stay silent. */
  readonly finale?: "end" | "reset" | "hang";
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface WireServer {
  readonly url: string;
  readonly requests: readonly WireRequest[];
  /** How many connections were opened so far. */
  readonly connections: number;
  answer: (request: WireRequest) => WireAnswer | Promise<WireAnswer>;
  /** Resolves with the next connection that the client closes before we end it. */
  nextHangUp(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWireServer(): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const hangUps = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const seen = await received(request);
    requests.push(seen);
    response.on("close", () => {
      if (response.writableEnded) return;
      for (const wake of hangUps) wake();
      hangUps.clear();
    });
    await write(response, await running.answer(seen));
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  const running: WireServer = {
    get url() {
      const address = server.address();
      return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    },
    requests,
    get connections() {
      return connections;
    },
    answer: () => ({ status: 501 }),
    nextHangUp: () => new Promise((resolve) => hangUps.add(resolve)),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return running;
}

async function received(request: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const isJson = /json/.test(request.headers["content-type"] ?? "");
  const body: unknown = text === "" ? undefined : isJson ? JSON.parse(text) : text;
  const headers = new Headers(
    z.record(z.string(), z.string().or(z.array(z.string()).transform(String))).parse(request.headers),
  );
  return { method: request.method ?? "", path: request.url ?? "", headers, body };
}

async function write(response: ServerResponse, answer: WireAnswer): Promise<void> {
  response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
  response.flushHeaders();
  for (const piece of answer.pieces ?? []) {
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    await new Promise(setImmediate);
  }
  if (answer.finale === "hang") return;
  if (answer.finale === "reset") response.socket?.resetAndDestroy();
  else response.end();
}
