/** Where media come from: a `source` of ours, or an address in which OpenAI's wire puts everything. */
import { z } from "zod";
import { type Source, sourceSchema } from "../../src/request/parts.ts";
import { type Read, read } from "./complaint.ts";

const [bytes, address] = sourceSchema.options;

/** `{data, media_type}` or `{url, media_type?}`. */
export const nativeSource = z
  .strictObject({
    data: bytes.shape.data.optional(),
    url: address.shape.url.optional(),
    media_type: bytes.shape.mediaType.optional(),
  })
  .transform(({ data, url, media_type: mediaType }, context): Source => {
    if (url !== undefined && data === undefined) return { url, ...(mediaType === undefined ? {} : { mediaType }) };
    if (data !== undefined && url === undefined && mediaType !== undefined) return { data, mediaType };
    const lack =
      data !== undefined && url === undefined ? "needs media_type beside data" : "must have either data or url";
    context.addIssue({ code: "custom", message: lack });
    return z.NEVER;
  });

/** `https://…` or `data:image/png;base64,…`; `at` is the path of the address. */
export function readAddress(url: string, at: string): Read<Source> {
  if (!url.startsWith("data:")) {
    const parsed = address.safeParse({ url });
    return parsed.success
      ? { ok: true, value: parsed.data }
      : { ok: false, reason: `${at} must be an https: or data: address` };
  }
  const comma = url.indexOf(",");
  const [mediaType = "", ...marks] = url.slice("data:".length, Math.max(comma, 0)).split(";");
  const parsed = marks.at(-1) === "base64" ? bytes.safeParse({ data: url.slice(comma + 1), mediaType }) : undefined;
  return parsed?.success === true
    ? { ok: true, value: parsed.data }
    : { ok: false, reason: `${at} must be base64 with its media type, as in data:image/png;base64,…` };
}

/** Bytes beside a media type; `at` is the path of the bytes. */
export function readBytes(data: string, mediaType: string, at: string): Read<Source> {
  const checked = read(bytes.shape.data, data, at);
  return checked.ok ? { ok: true, value: { data: checked.value, mediaType } } : checked;
}
