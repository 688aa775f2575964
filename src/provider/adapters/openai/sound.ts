import type { ChatBody } from "../../../request/body.ts";
import type { Answer } from "../../../request/outcome.ts";

const mediaTypes: Readonly<Record<string, string>> = {
  wav: "audio/wav",
  mp3: "audio/mpeg",
  flac: "audio/flac",
  aac: "audio/aac",
  opus: "audio/ogg",
  pcm16: "audio/pcm",
};

/** Sound of a model that speaks, in the format that `providerOptions` asked for. */
export function soundOf(pieces: readonly string[], body: ChatBody, provider: string): Pick<Answer, "audio"> {
  if (pieces.length === 0) return {};
  const asked = body.providerOptions?.[provider]?.audio;
  const format = typeof asked === "object" && asked !== null && "format" in asked ? `${asked.format}` : "";
  const data = Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
  return { audio: { data, mediaType: mediaTypes[format] ?? "application/octet-stream" } };
}
