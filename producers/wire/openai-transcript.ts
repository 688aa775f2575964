/** A transcript as OpenAI's wire has it, in each of its formats; what the provider did not tell is left out. Pure. */
import type { Result, Transcript } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { known } from "../../src/runtime/known.ts";
import type { TranscriptFormat } from "./openai-transcription.ts";

export interface TranscriptText {
  readonly mediaType: string;
  readonly text: string;
}

/** Undefined: the format needs times, and the provider gave none. */
export function transcriptAs(format: TranscriptFormat, result: Result, usage: Usage): TranscriptText | undefined {
  const { text, transcript } = result;
  const segments = transcript?.segments ?? [];
  const hasTimes = segments.length > 0 || text === "";
  switch (format) {
    case "json":
      return json({ text, ...usageOf(usage) });
    case "text":
      return { mediaType: plain, text: `${text}\n` };
    case "verbose_json":
      return json({ ...whole(text, transcript), segments: segments.map(segmentJson), ...usageOf(usage) });
    case "diarized_json":
      return json({ ...whole(text, transcript), segments: segments.map(spokenJson), ...usageOf(usage) });
    case "srt":
      return hasTimes ? { mediaType: "application/x-subrip; charset=utf-8", text: srt(segments) } : undefined;
    case "vtt":
      return hasTimes ? { mediaType: "text/vtt; charset=utf-8", text: vtt(segments) } : undefined;
  }
}

const plain = "text/plain; charset=utf-8";
const json = (value: object): TranscriptText => ({
  mediaType: "application/json; charset=utf-8",
  text: JSON.stringify(value),
});

type Segment = Transcript["segments"][number];

const whole = (text: string, transcript: Transcript | undefined) => ({
  task: "transcribe",
  ...known({ language: transcript?.language, duration: secondsOf(transcript?.durationMs) }),
  text,
});

const secondsOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1_000);

const segmentJson = ({ text, startMs, endMs }: Segment, id: number) => ({
  id,
  start: startMs / 1_000,
  end: endMs / 1_000,
  text,
});

const spokenJson = (segment: Segment, at: number) => ({
  type: "transcript.text.segment",
  ...segmentJson(segment, at),
  id: `seg_${at}`,
  // A, B, … as OpenAI names them.
  ...(segment.speaker === undefined ? {} : { speaker: String.fromCodePoint(65 + segment.speaker) }),
});

/** By length or by tokens, as the call was billed. */
function usageOf({ audioSeconds, inputTokens, outputTokens, audioInputTokens }: Usage) {
  if (inputTokens !== undefined && outputTokens !== undefined) {
    const input_token_details = audioInputTokens === undefined ? undefined : { audio_tokens: audioInputTokens };
    const counts = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
    return { usage: { type: "tokens", ...counts, ...known({ input_token_details }) } };
  }
  return audioSeconds === undefined ? {} : { usage: { type: "duration", seconds: audioSeconds } };
}

const srt = (segments: readonly Segment[]): string =>
  segments
    .map(({ text, startMs, endMs }, at) => `${at + 1}\n${timeOf(startMs, ",")} --> ${timeOf(endMs, ",")}\n${text}\n\n`)
    .join("");

const vtt = (segments: readonly Segment[]): string =>
  `WEBVTT\n\n${segments.map(({ text, startMs, endMs }) => `${timeOf(startMs, ".")} --> ${timeOf(endMs, ".")}\n${text}\n\n`).join("")}`;

function timeOf(ms: number, point: string): string {
  const whole = Math.max(0, Math.round(ms));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [
    Math.floor(whole / 3_600_000),
    Math.floor(whole / 60_000) % 60,
    Math.floor(whole / 1_000) % 60,
  ];
  return `${two(hours)}:${two(minutes)}:${two(seconds)}${point}${String(whole % 1_000).padStart(3, "0")}`;
}
