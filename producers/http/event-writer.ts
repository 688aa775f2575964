/** Server-sent events over one answer. Waits for a slow reader instead of heaping its text up in memory. */
import type { FastifyReply } from "fastify";

export interface ServerEvent {
  readonly id?: string;
  readonly event?: string;
  /** An object is sent as JSON. */
  readonly data: object | string;
}

export interface EventWriter {
  /** Sends the head, once: from here on the status is 200. */
  begin(): void;
  hasBegun(): boolean;
  send(event: ServerEvent): Promise<void>;
  /** Tells the connection, and nobody else, that somebody is still here. */
  keepAlive(): void;
  end(): void;
  /** Breaks off: that is how a client learns that it must come back. */
  cut(): void;
}

/** `gone` aborts when the client left or the server closes. */
export function openEvents(reply: FastifyReply, gone: AbortSignal): EventWriter {
  const { raw } = reply;
  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    reply.hijack();
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...streamHeaders })) {
      if (value !== undefined) raw.setHeader(name, value);
    }
    raw.flushHeaders();
  };
  return {
    begin,
    hasBegun: () => begun,
    async send({ id, event, data }) {
      begin();
      if (gone.aborted) return;
      const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
      if (raw.write(`${head}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`)) return;
      await new Promise<void>((resolve) => {
        const go = () => {
          raw.off("drain", go);
          gone.removeEventListener("abort", go);
          resolve();
        };
        raw.once("drain", go);
        gone.addEventListener("abort", go, { once: true });
      });
    },
    keepAlive() {
      begin();
      if (!gone.aborted) raw.write(": still at it\n\n");
    },
    end: () => void raw.end(),
    cut: () => void raw.destroy(),
  };
}

const streamHeaders = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
