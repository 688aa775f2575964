import { describe, expect, it } from "vitest";
import { readEvents } from "../../../src/provider/server-events.ts";

const encoder = new TextEncoder();

/** A body that gives these pieces, then ends, breaks off or stays open; `left` says whether it was cancelled. */
function bodyOf(pieces: readonly (string | Uint8Array)[], end: "end" | "break" | "open" = "end") {
  const rest = pieces.map((piece) => (typeof piece === "string" ? encoder.encode(piece) : piece));
  let onLeft: () => void = () => {};
  const left = new Promise<void>((resolve) => {
    onLeft = resolve;
  });
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = rest.shift();
        if (next !== undefined) controller.enqueue(next);
        else if (end === "end") controller.close();
        else if (end === "break") controller.error(new TypeError("terminated"));
        else return new Promise<void>(() => {});
        return undefined;
      },
      cancel: () => onLeft(),
    },
    { highWaterMark: 0 },
  );
  return { body, left };
}

const readAll = async (pieces: readonly (string | Uint8Array)[]) => {
  const events: string[] = [];
  let signs = 0;
  const { body } = bodyOf(pieces);
  const end = await readEvents(
    body,
    () => {
      signs += 1;
    },
    (data) => {
      events.push(data);
      return undefined;
    },
  );
  return { events, signs, end };
};

describe("the reader of server-sent events", () => {
  it("hands on the data of each event, whatever else stands in it", async () => {
    const { events } = await readAll(["event: a\ndata: 1\nid: 7\n\n: ping\n\ndata:2\ndata: 3\n\nretry: 5\n\n"]);
    expect(events).toEqual(["1", "2\n3"]);
  });

  it("puts together what is cut anywhere, in lines of either kind", async () => {
    const bytes = encoder.encode("data: Grüße 🌾\r\n\r\ndata: 水車\n\n");
    const { events, signs } = await readAll([...bytes].map((byte) => Uint8Array.of(byte)));
    expect(events).toEqual(["Grüße 🌾", "水車"]);
    expect(signs).toBe(bytes.length);
  });

  it("takes an event that is cut off for none", async () => {
    expect(await readAll(["data: 1\n\ndata: 2\n"])).toMatchObject({
      events: ["1"],
      end: { ok: true, value: undefined },
    });
  });

  it("says what broke the body off, after the events before it", async () => {
    const events: string[] = [];
    const { body } = bodyOf(["data: 1\n\n"], "break");
    const end = await readEvents(
      body,
      () => {},
      (data) => {
        events.push(data);
        return undefined;
      },
    );
    expect(events).toEqual(["1"]);
    expect(end).toMatchObject({ ok: false, error: new TypeError("terminated") });
  });

  it("stops at what is found and reads no event behind it", async () => {
    const seen: string[] = [];
    const { body } = bodyOf(["data: 1\n\ndata: 2\n\ndata: 3\n\n"]);
    const end = await readEvents(
      body,
      () => {},
      (data) => {
        seen.push(data);
        return data === "2" ? { found: data } : undefined;
      },
    );
    expect(end).toEqual({ ok: true, value: { found: "2" } });
    expect(seen).toEqual(["1", "2"]);
  });

  it.each(["open", "end"] as const)("leaves a body that goes on behind what was found (then: %s)", async (after) => {
    const { body, left } = bodyOf(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"], after);
    await readEvents(
      body,
      () => {},
      () => true,
    );
    await left;
  });

  it("leaves a body that stays silent behind what was found", async () => {
    const { body, left } = bodyOf(["data: 1\n\n"], "open");
    await readEvents(
      body,
      () => {},
      () => true,
    );
    await left;
  });

  it("leaves the body when its reader throws, which stays a bug", async () => {
    const { body, left } = bodyOf(["data: 1\n\n"], "open");
    const reading = readEvents(
      body,
      () => {},
      (): undefined => {
        throw new Error("a bug");
      },
    );
    await expect(reading).rejects.toThrow("a bug");
    await left;
  });
});
