/**
 * Feeds sound to its client as it comes. Bytes cannot say that something went wrong: what breaks off after the first of
 * them ends with the connection, which every client takes for an error.
 */
import { once } from "node:events";
import type { FastifyReply } from "fastify";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { audioOf } from "../../src/ledger/result-audio.ts";
import type { Usage } from "../../src/request/usage.ts";
import type { Attended } from "./attended.ts";
import { type Problem, sendProblem } from "./problem.ts";

/** How sound is written. */
export interface SoundWire {
  /** Undefined: what the provider says at the end, so nothing is sent before. */
  readonly mediaType: string | undefined;
  piece(data: Buffer): Buffer | string;
  end(usage: Usage): string;
}

export async function soundAnswer(
  ledger: Ledger,
  attended: Attended,
  reply: FastifyReply,
  wire: SoundWire,
): Promise<FastifyReply> {
  const { raw } = reply;
  const { gone } = attended;
  let sentBytes = 0;
  try {
    for await (const { said } of attended.pieces()) {
      if (said === "begin" && sentBytes > 0) throw new Error("the sound would have to start over");
      if (typeof said === "string" || said.type !== "audio" || wire.mediaType === undefined) continue;
      if (sentBytes === 0) begin(reply, wire.mediaType);
      const data = Buffer.from(said.data, "base64");
      sentBytes += data.byteLength;
      await write(reply, wire.piece(data), gone);
    }
    const end = await attended.end;
    if (gone.aborted) throw new Error("nobody is there any more");
    if (!end.ok && sentBytes === 0) return sendProblem(reply, end.problem);
    if (!end.ok || (sentBytes > 0 && sentBytes !== end.result.audio?.bytes)) throw new Error("the sound is not whole");
    if (sentBytes === 0) {
      const kept = await audioOf(ledger, attended.id);
      if (kept === undefined) return sendProblem(reply, noSound(attended.id));
      begin(reply, wire.mediaType ?? kept.mediaType);
      await write(reply, wire.piece(Buffer.from(kept.data)), gone);
    }
    raw.end(wire.end(end.usage));
  } catch (error) {
    if (!raw.headersSent && !gone.aborted) throw error;
    raw.destroy();
  }
  return reply;
}

function begin(reply: FastifyReply, mediaType: string): void {
  if (reply.raw.headersSent) return;
  reply.hijack();
  for (const [name, value] of Object.entries({ ...reply.getHeaders(), "content-type": mediaType })) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.flushHeaders();
}

/** Waits for a slow reader. */
async function write({ raw }: FastifyReply, data: Buffer | string, gone: AbortSignal): Promise<void> {
  if (gone.aborted || raw.write(data)) return;
  await once(raw, "drain", { signal: gone }).catch(() => {}); // who has left is noticed by its caller
}

const noSound = (id: string): Problem => ({
  status: 410,
  type: "not_found_error",
  code: "answer_removed",
  message: `Request ${id} has no sound, or none that is still kept.`,
});
