/** Media as the wire names them. */
import type { Source } from "../../../request/parts.ts";

export const urlOf = (source: Source): string =>
  "url" in source ? source.url : `data:${source.mediaType};base64,${source.data}`;

/** `mp3` and `wav` are all that OpenAI knows; others are told by the second half of their type. */
export function audioFormat(mediaType: string): string {
  const [, kind = mediaType] = mediaType.toLowerCase().split("/");
  return audioNames[kind] ?? kind;
}
const audioNames: Readonly<Record<string, string>> = {
  mpeg: "mp3",
  "x-mp3": "mp3",
  "x-wav": "wav",
  wave: "wav",
  "vnd.wave": "wav",
  "x-flac": "flac",
};

/** Files need a name; its ending tells what they are. */
export const fileName = (name: string | undefined, source: Source): string =>
  name ?? `document.${source.mediaType?.split("/").at(-1) ?? "pdf"}`;
