/** A form that is sent piece by piece, as slowly as a test likes; its boundary is `b`. */
import { once } from "node:events";
import { request } from "node:http";

export interface Form {
  write(piece: string | Uint8Array): Promise<void>;
  /** Breaks off. */
  leave(): void;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a document
  end(piece: string): Promise<{ readonly status: number | undefined; readonly json: any }>;
}

export function openForm(url: string, path = "/v1/files", headers: Readonly<Record<string, string>> = {}): Form {
  const sending = request(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "multipart/form-data; boundary=b", ...headers },
  });
  sending.on("error", () => {}); // of one that is left
  return {
    async write(piece) {
      if (!sending.write(piece)) await once(sending, "drain");
    },
    leave: () => sending.destroy(),
    async end(piece) {
      const answered = once(sending, "response");
      sending.end(piece);
      const [response] = await answered;
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      return { status: response.statusCode, json: JSON.parse(text) };
    },
  };
}
