import type { FailureKind } from "../request/failure.ts";

/** An error in the provider's own words: what `classify` of an adapter looks at. */
export interface ErrorAnswer {
  /** Absent for an error inside a stream that began well; 200 for an error in the body of a success. */
  readonly status?: number | undefined;
  /** Parsed JSON, or the text where it was none. */
  readonly body: unknown;
  readonly headers: Headers;
}

/** What a status says where the body says nothing better. */
export function kindOfStatus(status: number | undefined): FailureKind {
  if (status === undefined) return "stream";
  const named = kinds[status];
  if (named !== undefined) return named;
  return status >= 400 && status < 500 ? "client" : "server";
}

const kinds: Readonly<Record<number, FailureKind>> = {
  401: "auth",
  402: "quotaHard",
  403: "auth",
  408: "timeout", // the provider waited for our request, not the other way round
  425: "server",
  429: "rate",
  503: "capacity",
  529: "capacity",
};

/** The message for an error that explains itself by nothing but its status, by plain text or by a page of HTML. */
export function bareMessage({ status, body }: ErrorAnswer): string {
  const where = status === undefined ? "an error in the stream" : `HTTP ${status}`;
  const text = typeof body === "string" ? body.trim() : "";
  if (/<(?:!doctype|html|head|body)\b/i.test(text)) return `${where}: ${htmlTitle(text)}`;
  // What came as a success may be an answer: none of its words.
  if (status !== undefined && status < 400) return `${where}: the answer cannot be read`;
  return text === "" ? where : `${where}: ${text}`;
}

const htmlTitle = (page: string): string => {
  const [, title] = /<title[^>]*>([^<]*)</i.exec(page) ?? [];
  return title === undefined || title.trim() === "" ? "an HTML page" : `an HTML page, "${title.trim()}"`;
};

/** A body as `classify` wants it: JSON if it is JSON, else its text. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
