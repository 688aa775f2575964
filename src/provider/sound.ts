/**
 * Sound as the body of an answer: bytes without an event that ends them. The HTTP message ends them, and must say how: by its
 * length, or by the last chunk. A body that is cut before is an error of fetch.
 */
import type { CallOutcome } from "../request/outcome.ts";
import { jsonOrText } from "./error-answer.ts";
import type { Failing } from "./failing.ts";
import type { CallIo } from "./provider.ts";
import { answerOf, answersOf } from "./sdk-answer.ts";

export interface Sound {
  readonly data: Uint8Array;
  readonly mediaType: string;
}

export type ReceivedSound =
  | { readonly ok: true; readonly sound: Sound; readonly headers: Headers }
  | { readonly ok: false; readonly outcome: CallOutcome };

/** What sound is by its format, where nobody says more. */
export const soundTypes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    mp3: "audio/mpeg",
    opus: "audio/ogg",
    aac: "audio/aac",
    flac: "audio/flac",
    wav: "audio/wav",
    pcm: "audio/pcm",
  }),
);

/** More is not kept: two hours of MP3 at 128 kbit/s. */
const maxBytes = 120 * 1024 * 1024;

export interface SoundWish {
  readonly stream: boolean;
  /** For an answer that does not say what it is. */
  readonly mediaType: string;
}

/** Pieces are handed on as they come where the call is a stream. */
export async function receiveSound(
  send: () => Promise<Response>,
  { stream, mediaType }: SoundWish,
  io: CallIo,
  fail: Failing,
): Promise<ReceivedSound> {
  const answer = await answerOf(send);
  if (!answer.ok) return { ok: false, outcome: fail.thrown(answer.error) };
  const { status, headers, body, ok } = answer.value;
  const said = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const isSound = ok && (said === "" || said === "application/octet-stream" || said.startsWith("audio/"));
  if (!isSound || body === null) {
    const text = await answerOf(() => answer.value.text());
    const outcome = text.ok ? fail.refused({ status, headers, body: jsonOrText(text.value) }) : fail.thrown(text.error);
    return { ok: false, outcome };
  }
  const side = fail.sideOf(headers);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const step of answersOf(body)) {
    if (!step.ok) return { ok: false, outcome: fail.thrown(step.error, side) };
    bytes += step.value.byteLength;
    if (bytes > maxBytes) return { ok: false, outcome: fail.because(tooLong, side) };
    pieces.push(step.value);
    if (!stream) continue;
    io.onActivity();
    io.onDelta({ type: "audio", data: Buffer.from(step.value).toString("base64") });
  }
  if (bytes === 0) return { ok: false, outcome: fail.because(silent, side) };
  if (!saysItsEnd(headers)) return { ok: false, outcome: fail.because(endless, side) };
  return {
    ok: true,
    sound: { data: Buffer.concat(pieces), mediaType: said.startsWith("audio/") ? said : mediaType },
    headers,
  };
}

const saysItsEnd = (headers: Headers): boolean =>
  headers.has("content-length") || /\bchunked\b/i.test(headers.get("transfer-encoding") ?? "");

const silent = { kind: "server", message: "the answer holds no sound" } as const;
const endless = { kind: "stream", message: "the sound ended without the answer saying where it ends" } as const;
const tooLong = {
  kind: "client",
  message: `the sound is longer than ${maxBytes / 1024 / 1024} MiB: ask for a denser format, or for less text at once`,
} as const;
