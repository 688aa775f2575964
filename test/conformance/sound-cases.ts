/**
 * What every adapter of sound must do, good and bad, judged by a server that speaks its vendor's wire. What is a vendor's own
 * (fields, error codes) stands in tests of its own.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallInput, CallIo, Connection } from "../../src/provider/provider.ts";
import type { Delta } from "../../src/request/delta.ts";
import type { FailureKind } from "../../src/request/failure.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";
import type { Usage } from "../../src/request/usage.ts";
import { type Arrival, type Reply, type SoundServer, startSoundServer } from "./sound-server.ts";

export interface Subject {
  readonly name: string;
  readonly apiKey: string;
  answer(arrival: Arrival): Reply;
  connect(baseUrl: string, apiKey: string): Connection;
  /** Calls the operation under test. */
  call(connection: Connection, input: Pick<CallInput, "correlation">, io: CallIo): Promise<CallOutcome> | undefined;
  readonly streamed: boolean;
  /** Behind the server's address. */
  readonly basePath: string;
  /** Of a good call. */
  readonly usage: Usage;
  readonly expectGood: (answer: Extract<CallOutcome, { ok: true }>) => void;
  /** An error with this status and words of its own, in the vendor's shape. */
  error(status: number, words: string): Reply;
  /** Replies that are no answer, each with the kind it must end as. */
  readonly bad: Readonly<Record<string, { readonly reply: Reply; readonly kind: FailureKind }>>;
  /** Replies that are one although something is odd, with the usage that is left. */
  readonly odd: Readonly<Record<string, { readonly reply: Reply; readonly usage: Usage }>>;
  /** Of a body that ends too early, by a clean end of the connection. */
  readonly cutKind: FailureKind;
}

export interface WatchedSound {
  readonly outcome: CallOutcome;
  readonly deltas: readonly Delta[];
  readonly activity: number;
}

const abortMs = 100;

export function describeSound(subject: Subject): void {
  describe(subject.name, () => {
    let server: SoundServer;
    let connection: Connection;
    beforeAll(async () => {
      server = await startSoundServer((arrival) => subject.answer(arrival));
      connection = subject.connect(`${server.url}${subject.basePath}`, subject.apiKey);
    });
    afterAll(() => server.stop());

    const ask = (wish: Wish = {}) => watched(subject, connection, wish);

    it("answers, and says what was used and who answered", async () => {
      const { outcome, deltas, activity } = await ask();
      if (!outcome.ok) throw new Error(outcome.failure.message);
      subject.expectGood(outcome);
      expect(outcome.usage).toEqual(subject.usage);
      expect(outcome.providerRequestId).toMatch(/.{6,}/);
      expect(outcome.finish.unified).toBe("stop");
      if (!subject.streamed) expect([deltas, activity]).toEqual([[], 0]);
    });

    if (subject.streamed) {
      it("hands on pieces that add up to the answer", async () => {
        const { outcome, deltas, activity } = await ask();
        const pieces = deltas.map((delta) =>
          delta.type === "audio" ? Buffer.from(delta.data, "base64") : Buffer.of(),
        );
        expect(pieces.length).toBeGreaterThan(0);
        expect(activity).toBeGreaterThan(0);
        if (!outcome.ok) throw new Error(outcome.failure.message);
        expect(Buffer.concat(pieces)).toEqual(outcome.audio?.data);
      });
    }

    it("sends its correlation", async () => {
      await ask({ correlation: "req-42" });
      expect(server.arrivals.at(-1)?.headers.get("x-millrace-request")).toBe("req-42");
    });

    it("reads a refused key, and does not tell what was echoed of it", async () => {
      const { outcome } = await watched(
        subject,
        subject.connect(`${server.url}${subject.basePath}`, "wrong-key-9876"),
        {},
      );
      expect(failureOf(outcome)).toMatchObject({ kind: "auth", status: 401 });
      server.order({ kind: "reply", reply: subject.error(400, `the key ${subject.apiKey} may not do this`) });
      const { message } = failureOf((await ask()).outcome);
      expect(message).not.toContain(subject.apiKey);
      expect(message).not.toContain(subject.apiKey.slice(-4));
      expect(message).toContain("may not do this");
    });

    it.each([
      [400, "client"],
      [402, "quotaHard"],
      [403, "auth"],
      [404, "client"],
      [413, "client"],
      [422, "client"],
      [500, "server"],
      [502, "server"],
      [503, "capacity"],
      [504, "server"],
    ] as const)("ends HTTP %i as %s, and asks once", async (status, kind) => {
      const before = server.arrivals.length;
      server.order({ kind: "reply", reply: subject.error(status, "it went wrong") });
      expect(failureOf((await ask()).outcome)).toMatchObject({
        kind,
        status,
        message: expect.stringContaining("it went wrong"),
      });
      expect(server.arrivals.length - before).toBe(1);
    });

    it("reads the wait that a refusal names", async () => {
      const refusal = subject.error(429, "too many requests");
      server.order({ kind: "reply", reply: { ...refusal, headers: { ...refusal.headers, "retry-after": "7" } } });
      const failure = failureOf((await ask()).outcome);
      expect(["concurrency", "rate"]).toContain(failure.kind);
      expect(failure.retryAfterMs).toBe(7_000);
    });

    it.each([502, 200])(
      "calls a page of HTML that came with %i the server's failure, without quoting it",
      async (status) => {
        const page = "<!doctype html><html><head><title>Bad gateway</title></head><body><p>nginx</p></body></html>";
        server.order({ kind: "reply", reply: { status, headers: { "content-type": "text/html" }, pieces: [page] } });
        const failure = failureOf((await ask()).outcome);
        expect(failure.kind).toBe("server");
        expect(failure.message).not.toContain("<");
      },
    );

    it("calls an empty body the server's failure", async () => {
      for (const headers of [undefined, { "content-type": "audio/mpeg" }, { "content-type": "text/event-stream" }]) {
        server.order({ kind: "reply", reply: { ...(headers && { headers }), pieces: [] } });
        expect(["server", "stream"]).toContain(failureOf((await ask()).outcome).kind);
      }
    });

    it("does not follow to another address, where the key would go along", async () => {
      const before = server.arrivals.length;
      server.order({
        kind: "reply",
        reply: { status: 307, headers: { location: `${server.url}/elsewhere` }, pieces: [] },
      });
      expect(failureOf((await ask()).outcome).kind).toBe("server");
      expect(server.arrivals.length - before).toBe(1);
    });

    for (const [name, { reply, kind }] of Object.entries(subject.bad)) {
      it(`ends ${name} as ${kind}`, async () => {
        server.order({ kind: "reply", reply });
        expect(failureOf((await ask()).outcome).kind).toBe(kind);
      });
    }

    for (const [name, { reply, usage }] of Object.entries(subject.odd)) {
      it(`takes ${name}, and leaves unknown what is not said`, async () => {
        server.order({ kind: "reply", reply });
        const { outcome } = await ask();
        if (!outcome.ok) throw new Error(outcome.failure.message);
        expect(outcome.usage).toEqual(usage);
      });
    }

    it("calls a connection that is reset a network failure, before the first byte and after", async () => {
      for (const afterPieces of [0, 1]) {
        server.order({ kind: "reset", afterPieces });
        expect(failureOf((await ask()).outcome).kind).toBe("network");
      }
    });

    it("calls an answer that is cut a failure", async () => {
      server.order({ kind: "end", afterPieces: 1 });
      const { outcome } = await ask();
      expect(failureOf(outcome).kind).toBe(subject.cutKind);
      expect(outcome.ok).toBe(false);
    });

    it("calls a name that does not resolve, a TLS that is none and a closed port network failures", async () => {
      const closed = await closedPort();
      const plain = server.url.replace("http:", "https:");
      for (const address of ["http://no-such-host.invalid", plain, `http://127.0.0.1:${closed}`]) {
        const elsewhere = subject.connect(`${address}${subject.basePath}`, subject.apiKey);
        expect(failureOf((await watched(subject, elsewhere, {})).outcome)).toMatchObject({ kind: "network" });
      }
    });

    it.each(["hang", "drip"] as const)("stops within 100 ms of being told, when the answer will %s", async (kind) => {
      server.order({ kind });
      const before = server.arrivals.length;
      const stop = new AbortController();
      const asked = ask({ signal: stop.signal });
      await expect.poll(() => server.arrivals.length, { interval: 5, timeout: 5_000 }).toBe(before + 1);
      const stoppedAt = performance.now();
      stop.abort(new DOMException("no first token", "TimeoutError"));
      const { outcome } = await asked;
      expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
      expect(failureOf(outcome).kind).toBe("timeout");
    });

    it("does not call when it was stopped before", async () => {
      const before = server.arrivals.length;
      const { outcome } = await ask({ signal: AbortSignal.abort(new Error("stopped")) });
      expect(failureOf(outcome).kind).toBe("network");
      expect(server.arrivals.length).toBe(before);
    });
  });
}

interface Wish {
  readonly signal?: AbortSignal;
  readonly correlation?: string;
}

export async function watched(subject: Subject, connection: Connection, wish: Wish): Promise<WatchedSound> {
  const deltas: Delta[] = [];
  let activity = 0;
  const outcome = await subject.call(
    connection,
    wish.correlation === undefined ? {} : { correlation: wish.correlation },
    {
      signal: wish.signal ?? new AbortController().signal,
      onDelta: (delta) => void deltas.push(delta),
      onActivity: () => {
        activity += 1;
      },
    },
  );
  if (outcome === undefined) throw new Error("the connection does not offer the operation");
  return { outcome, deltas, activity };
}

export function failureOf(outcome: CallOutcome) {
  if (outcome.ok) throw new Error("the call succeeded");
  return outcome.failure;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
