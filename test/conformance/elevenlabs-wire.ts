/** ElevenLabs' /v1/text-to-speech and /v1/voices as its documentation has them, in a server of our own. */
import type { Arrival, Reply } from "./sound-server.ts";

export const elevenlabsKey = "xi-0123456789abcdefghijWXYZ";
export const rachel = "21m00Tcm4TlvDq8ikWAM";
export const adam = "pNInz6obpgDQGcFmaJgB";

const voices = [
  { voice_id: adam, name: "Adam", category: "premade" },
  { voice_id: rachel, name: "Rachel - calm", category: "premade" },
];

/** Sound that names what it was made of. */
export const soundOf = (voice: string, text: string): Buffer => Buffer.from(`ID3 ${voice}: ${text}`);

export const elevenlabsError = (status: number, said: string, message: string, headers = {}): Reply => ({
  status,
  headers,
  pieces: [JSON.stringify({ detail: { status: said, message } })],
});

const contentTypes: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  pcm: "audio/pcm",
  wav: "audio/wav",
  opus: "audio/opus",
};

export function elevenlabsAnswer({ method, url, headers, body }: Arrival): Reply {
  if (headers.get("xi-api-key") !== elevenlabsKey) {
    return elevenlabsError(401, "invalid_api_key", "Invalid API key");
  }
  if (method === "GET" && url.pathname === "/v1/voices") return { pieces: [JSON.stringify({ voices })] };
  const [, voice, stream] = /^\/v1\/text-to-speech\/([^/]+)(\/stream)?$/.exec(url.pathname) ?? [];
  if (method !== "POST" || voice === undefined) return elevenlabsError(404, "not_found", "Not Found");
  if (!voices.some(({ voice_id }) => voice_id === voice)) {
    return elevenlabsError(404, "voice_not_found", `A voice with voice_id ${voice} was not found.`);
  }
  const { text, model_id } = JSON.parse(body.toString());
  if (typeof text !== "string" || typeof model_id !== "string") {
    const missing = { loc: ["body", "text"], msg: "Field required", type: "missing" };
    return { status: 422, pieces: [JSON.stringify({ detail: [missing] })] };
  }
  const sound = soundOf(voice, text);
  const half = Math.ceil(sound.length / 2);
  const format = url.searchParams.get("output_format")?.split("_")[0] ?? "mp3";
  return {
    headers: {
      "content-type": contentTypes[format] ?? "application/octet-stream",
      "request-id": "el-7d1b0c",
      "character-cost": String(/flash|turbo/.test(model_id) ? text.length / 2 : text.length),
      "current-concurrent-requests": "1",
      "maximum-concurrent-requests": "15",
      ...(stream === undefined ? { "content-length": String(sound.length) } : {}),
    },
    pieces: [sound.subarray(0, half), sound.subarray(half)],
  };
}
