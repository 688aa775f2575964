/** A receiver of webhooks: a real server on loopback that answers as it is told and checks what comes with the official SDK. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import OpenAI from "openai";
import { onTestFinished } from "vitest";

export interface Received {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the n-th delivery (from 1) is answered with: a status, or whatever is done to the answer. */
export type Behaviour = (received: Received, nth: number) => number | ((answer: ServerResponse) => void);

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** The event, once the SDK's verifier has passed it. */
  unwrap(received: Received, secret: string): Promise<unknown>;
}

export async function startReceiver(behaviour: Behaviour = () => 200): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      body += piece;
    });
    request.on("end", () => {
      const { headers, url: path = "" } = request;
      const one = { path, headers, body, id: String(headers["webhook-id"]) };
      received.push(one);
      const done = behaviour(one, received.length);
      if (typeof done === "number") answer.writeHead(done).end();
      else done(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { webhooks } = new OpenAI({ apiKey: "none" });
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    unwrap: (one, secret) => webhooks.unwrap(one.body, one.headers, secret),
  };
}
