/** Converse's own words for types of media, and where it takes bytes from. */
import type { MediaPart, Source } from "../../../request/parts.ts";

type Format<Member extends string> = Readonly<Record<string, Member>>;

const image = { "image/jpeg": "jpeg", "image/png": "png", "image/gif": "gif", "image/webp": "webp" } as const;
const document = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "text/html": "html",
  "text/plain": "txt",
  "text/markdown": "md",
} as const;
const video = {
  "video/mp4": "mp4",
  "video/quicktime": "mov",
  "video/x-matroska": "mkv",
  "video/webm": "webm",
  "video/x-flv": "flv",
  "video/mpeg": "mpeg",
  "video/x-ms-wmv": "wmv",
  "video/3gpp": "three_gp",
} as const;
const audio = {
  "audio/mpeg": "mp3",
  "audio/wav": "wav",
  "audio/x-wav": "wav",
  "audio/flac": "flac",
  "audio/aac": "aac",
  "audio/ogg": "ogg",
  "audio/opus": "opus",
  "audio/mp4": "mp4",
  "audio/x-m4a": "m4a",
  "audio/webm": "webm",
} as const;

export const imageFormat = (source: Source) => formatOf(image, source);
export const documentFormat = (source: Source) => formatOf(document, source);
export const videoFormat = (source: Source) => formatOf(video, source);
export const audioFormat = (source: Source) => formatOf(audio, source);

const formats = { image: imageFormat, file: documentFormat, video: videoFormat, audio: audioFormat };

/** Why Converse cannot take it; undefined when it can. */
export function objectionToMedia({ type, source }: MediaPart): string | undefined {
  if ("url" in source && !source.url.startsWith("s3:")) {
    return `Bedrock fetches no web addresses: send the ${type}'s bytes, or its s3: address`;
  }
  if (formats[type](source) !== undefined) return undefined;
  return `Bedrock takes no ${type} of type ${source.mediaType ?? "unknown (say its mediaType)"}`;
}

/** By its media type, else by the end of its address. */
function formatOf<Member extends string>(known: Format<Member>, source: Source): Member | undefined {
  if (source.mediaType !== undefined)
    return Object.hasOwn(known, source.mediaType) ? known[source.mediaType] : undefined;
  const ending = "url" in source ? /\.(\w+)$/.exec(source.url)?.[1]?.toLowerCase() : undefined;
  const word = ending === "jpg" ? "jpeg" : ending;
  return Object.values(known).find((format) => format === word);
}

export const bytesOrPlace = (source: Source) =>
  "url" in source ? { s3Location: { uri: source.url } } : { bytes: new Uint8Array(Buffer.from(source.data, "base64")) };
