/** What an answer holds, in snake_case, for every surface of Millrace's own. Its parts can be sent back as they are. */
import type { Result, Transcript } from "../../src/request/result.ts";

/** Text, and beside it only what there is. */
export const answerJson = (result: Result) => ({
  text: result.text,
  ...(result.parts === undefined ? {} : { parts: result.parts }),
  ...(result.embeddings === undefined ? {} : { embeddings: result.embeddings }),
  ...(result.transcript === undefined ? {} : { transcript: transcriptJson(result.transcript) }),
  ...(result.audio === undefined ? {} : { audio: { media_type: result.audio.mediaType, bytes: result.audio.bytes } }),
});

const transcriptJson = ({ language, durationMs, segments }: Transcript) => ({
  language: language ?? null,
  duration_ms: durationMs ?? null,
  segments: segments.map(({ text, startMs, endMs, speaker, confidence }) => ({
    text,
    start_ms: startMs,
    end_ms: endMs,
    speaker: speaker ?? null,
    confidence: confidence ?? null,
  })),
});
