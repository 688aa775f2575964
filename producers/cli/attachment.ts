/** A file or an address on the command line, as a part of a message. What kind it is follows from its name. */
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { CommandFailed, exitCodes } from "./exit.ts";

/** Of the kinds that some provider takes. */
const mediaTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".heic": "image/heic",
  ".mp3": "audio/mpeg",
  ".wav": "audio/wav",
  ".flac": "audio/flac",
  ".ogg": "audio/ogg",
  ".aac": "audio/aac",
  ".mp4": "video/mp4",
  ".mov": "video/quicktime",
  ".webm": "video/webm",
  ".pdf": "application/pdf",
  ".txt": "text/plain",
  ".md": "text/markdown",
  ".csv": "text/csv",
  ".html": "text/html",
  ".json": "application/json",
};

/** On Millrace's wire (see wire/parts.ts). Throws CommandFailed for what cannot be read or is of no known kind. */
export async function attachment(place: string, wanted: "image" | "file"): Promise<object> {
  const isAddress = /^(https?|gs|s3):\/\//.test(place);
  const name = isAddress ? basename(new URL(place).pathname) : basename(place);
  const mediaType = mediaTypes[extname(name).toLowerCase()];
  if (isAddress) {
    const source = { url: place, ...(mediaType === undefined ? {} : { media_type: mediaType }) };
    return partOf(wanted === "image" ? "image" : kindOf(mediaType), source, name);
  }
  if (mediaType === undefined || (wanted === "image" && kindOf(mediaType) !== "image")) {
    const known = Object.keys(mediaTypes).filter((end) => wanted === "file" || kindOf(mediaTypes[end]) === "image");
    throw new CommandFailed(`${place} has no ending of a known kind (${known.join(", ")}).`, exitCodes.usage);
  }
  const data = await readWhole(place);
  return partOf(kindOf(mediaType), { data: data.toString("base64"), media_type: mediaType }, name);
}

/** Throws CommandFailed with why it cannot be read, or is not JSON. */
export async function jsonFile(place: string): Promise<unknown> {
  const text = (await readWhole(place)).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`${place} is not JSON: ${why}.`, exitCodes.usage);
  }
}

async function readWhole(place: string): Promise<Buffer> {
  try {
    return await readFile(place);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`${place} cannot be read: ${why}.`, exitCodes.usage);
  }
}

type Kind = "image" | "audio" | "video" | "file";

function kindOf(mediaType: string | undefined): Kind {
  const [top] = mediaType?.split("/") ?? [];
  return top === "image" || top === "audio" || top === "video" ? top : "file";
}

const partOf = (type: Kind, source: object, name: string): object => ({
  type,
  source,
  ...(type === "file" && name !== "" ? { name } : {}),
});
