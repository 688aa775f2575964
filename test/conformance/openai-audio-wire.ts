/** OpenAI's /audio/transcriptions and /audio/speech as its SDK's types describe them, in a server of our own. */
import type { Arrival, Reply } from "./sound-server.ts";

export const openaiKey = "sk-0123456789abcdefghijWXYZ";

export const openaiError = (status: number, code: string, message: string, type = "invalid_request_error"): Reply => ({
  status,
  pieces: [JSON.stringify({ error: { message, type, param: null, code } })],
});

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
export const soundDelta = (words: string) =>
  event({ type: "speech.audio.delta", audio: Buffer.from(words).toString("base64") });
export const soundDone = event({
  type: "speech.audio.done",
  usage: { input_tokens: 12, output_tokens: 70, total_tokens: 82 },
});

const transcripts: Readonly<Record<string, object>> = {
  verbose_json: {
    task: "transcribe",
    language: "english",
    duration: 12.5,
    text: "The mill turns. It grinds.",
    segments: [
      { id: 0, start: 0, end: 1.2, text: " The mill turns.", avg_logprob: -0.1 },
      { id: 1, start: 2.5, end: 3.25, text: " It grinds.", avg_logprob: -0.1 },
    ],
    usage: { type: "duration", seconds: 13 },
  },
  json: {
    text: "The mill turns. It grinds.",
    usage: {
      type: "tokens",
      input_tokens: 130,
      input_token_details: { text_tokens: 5, audio_tokens: 125 },
      output_tokens: 9,
      total_tokens: 139,
    },
  },
  diarized_json: {
    task: "transcribe",
    duration: 12.5,
    text: "The mill turns. It grinds.",
    segments: [
      { type: "transcript.text.segment", id: "0", start: 0, end: 1.2, text: "The mill turns.", speaker: "A" },
      { type: "transcript.text.segment", id: "1", start: 2.5, end: 3.25, text: "It grinds.", speaker: "B" },
    ],
    usage: { type: "tokens", input_tokens: 130, output_tokens: 9, total_tokens: 139 },
  },
};

export function openaiAudioAnswer({ method, url, headers, body }: Arrival): Reply {
  if (headers.get("authorization") !== `Bearer ${openaiKey}`) {
    return openaiError(401, "invalid_api_key", "Incorrect API key provided.");
  }
  if (method === "POST" && url.pathname === "/v1/audio/transcriptions") {
    const form = body.toString("latin1");
    const [, format = "json"] = /name="response_format"\r\n\r\n(\w+)/.exec(form) ?? [];
    if (!/name="file"; filename="sound\.\w+"/.test(form)) return openaiError(400, "missing", "no file");
    return { headers: { "x-request-id": "req_audio_1" }, pieces: [JSON.stringify(transcripts[format])] };
  }
  if (method !== "POST" || url.pathname !== "/v1/audio/speech") return openaiError(404, "not_found", "Not found");
  const { stream_format } = JSON.parse(body.toString());
  if (stream_format === "sse") {
    return {
      headers: { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_audio_2" },
      pieces: [soundDelta("ID3 the "), soundDelta("mill"), soundDone],
    };
  }
  return {
    headers: { "content-type": "audio/mpeg", "x-request-id": "req_audio_3" },
    pieces: [Buffer.from("ID3 the "), Buffer.from("mill")],
  };
}
