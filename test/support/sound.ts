/** Calls of sound against a server of a test's own. */
import { onTestFinished } from "vitest";
import type { CallInput, CallIo } from "../../src/provider/provider.ts";
import type { SpeechBody, TranscriptionBody } from "../../src/request/body.ts";
import type { Delta } from "../../src/request/delta.ts";
import { type Arrival, type Reply, type SoundServer, startSoundServer } from "../conformance/sound-server.ts";

/** Stopped with the test. */
export async function soundServer(answer: (arrival: Arrival) => Reply | Promise<Reply>): Promise<SoundServer> {
  const server = await startSoundServer(answer);
  onTestFinished(() => server.stop());
  return server;
}

export const sound = { data: Buffer.from("RIFF of a mill").toString("base64"), mediaType: "audio/wav" };

export const transcriptionOf = (
  model: string,
  body: Partial<TranscriptionBody> = {},
): CallInput<TranscriptionBody> => ({
  model,
  body: { operation: "transcription", model, source: sound, ...body },
  stream: false,
  defaultMaxOutputTokens: 1,
});

export const speechOf = (model: string, body: Partial<SpeechBody> = {}): CallInput<SpeechBody> => ({
  model,
  body: { operation: "speech", model, text: "The mill turns.", ...body },
  stream: body.stream === true,
  defaultMaxOutputTokens: 1,
});

export const io = (onDelta: (delta: Delta) => void = () => {}): CallIo => ({
  signal: new AbortController().signal,
  onDelta,
  onActivity: () => {},
});
