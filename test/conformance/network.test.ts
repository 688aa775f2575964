/** What every provider makes of a network that fails: no wire is spoken, so no judge is needed. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bedrock } from "../../src/provider/adapters/bedrock.ts";
import { profiles } from "../../src/provider/adapters/openai/profiles.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { providers } from "../../src/provider/registry.ts";
import { call } from "../support/call.ts";
import { makeCertificates } from "../support/certificates.ts";
import { modelOf, wireOf } from "./models.ts";
import { startVertexWires } from "./vertex-wires.ts";

const apiKey = "sk-test-0123456789-abcdWXYZ";
const abortMs = 100;
/** One for all that have the same code: profiles differ in data only. */
const [, ...sameCode] = profiles.map(({ id }) => id);
const atVertex = await startVertexWires(apiKey);
afterAll(() => atVertex.stop());
/** Each with a model of its own. */
const chatting: readonly (readonly [string, Provider, string])[] = [
  ...Object.values(providers).filter((provider) => wireOf(provider) !== undefined && !sameCode.includes(provider.id)),
  bedrock,
]
  .map((provider): [string, Provider, string] => [provider.id, provider, modelOf(provider)])
  .concat(atVertex.wires.map(({ provider, model }) => [provider.id, provider, model]));

type Talk = (socket: Socket) => void;

/** A listener that does with each connection what it is told. */
async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

let talk: Talk = () => {};
const sockets = new Set<Socket>();
const plain = createServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  talk(socket);
});
let port: number;
beforeAll(async () => {
  port = await listen(plain);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  plain.close();
  await once(plain, "close");
});

const ask = (provider: Provider, model: string, address: string, stream: boolean, signal?: AbortSignal) =>
  call(provider.connect({ apiKey, baseUrl: address }), {
    model,
    stream,
    ...(signal === undefined ? {} : { signal }),
  });

const head = (type: string) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;

describe.each(chatting)("%s on a bad network", (_, provider, model) => {
  it.each([false, true])("calls a name that leads nowhere a network failure (stream: %s)", async (stream) => {
    const { outcome } = await ask(provider, model, "http://nowhere.invalid/v1", stream);
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
  });

  it.each([false, true])(
    "calls a connection that is reset before the first byte a network failure (stream: %s)",
    async (stream) => {
      talk = (socket) => socket.once("data", () => socket.resetAndDestroy());
      const { outcome } = await ask(provider, model, `http://127.0.0.1:${port}/v1`, stream);
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
    },
  );

  it.each([false, true])(
    "calls a connection that closes without a word a network failure (stream: %s)",
    async (stream) => {
      talk = (socket) => socket.once("data", () => socket.end());
      const { outcome } = await ask(provider, model, `http://127.0.0.1:${port}/v1`, stream);
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
    },
  );

  it.each([false, true])("calls bytes that are no HTTP a failure (stream: %s)", async (stream) => {
    talk = (socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
    const { outcome } = await ask(provider, model, `http://127.0.0.1:${port}/v1`, stream);
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
  });

  it.each([false, true])(
    "leaves a body that drips for ever within 100 ms of being told (stream: %s)",
    async (stream) => {
      const stop = new AbortController();
      let left: () => void = () => {};
      const hungUp = new Promise<void>((resolve) => {
        left = resolve;
      });
      talk = (socket) => {
        socket.once("data", () => {
          socket.write(head(stream ? "text/event-stream" : "application/json"));
          // White space is good JSON, and a comment is a good event: nothing but the clock tells that no answer comes.
          let drops = 0;
          const drip = setInterval(() => {
            socket.write(stream ? "2\r\n:\n\r\n" : "1\r\n \r\n");
            drops += 1;
            if (drops === 20) stop.abort(new DOMException("total", "TimeoutError"));
          }, 2);
          socket.once("close", () => {
            clearInterval(drip);
            left();
          });
        });
      };
      let stoppedAt = Number.NaN;
      stop.signal.addEventListener("abort", () => {
        stoppedAt = performance.now();
      });
      const { outcome } = await ask(provider, model, `http://127.0.0.1:${port}/v1`, stream, stop.signal);
      expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "timeout" } });
      await hungUp;
    },
  );
});

const certificates = makeCertificates();

describe.skipIf(certificates === undefined)("a certificate that nobody vouches for", () => {
  const tls = createTlsServer((socket) => socket.end());
  let tlsPort: number;
  beforeAll(async () => {
    tls.setSecureContext({
      cert: readFileSync(certificates?.cert ?? ""),
      key: readFileSync(certificates?.key ?? ""),
    });
    tls.on("tlsClientError", () => {});
    tlsPort = await listen(tls);
  });
  afterAll(async () => {
    tls.close();
    await once(tls, "close");
  });

  it.each(chatting)("ends a call of %s with a network failure", async (_, provider, model) => {
    for (const stream of [false, true]) {
      const { outcome } = await ask(provider, model, `https://localhost:${tlsPort}/v1`, stream);
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
    }
  });
});
