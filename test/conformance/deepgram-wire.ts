/** Deepgram's /v1/listen and /v1/projects as its OpenAPI description and error pages have them, in a server of our own. */
import type { Arrival, Reply } from "./sound-server.ts";

export const deepgramKey = "dg-0123456789abcdefghijWXYZ";

const words = (speaker: number | undefined) => {
  const of = (word: string, start: number, end: number) => ({
    word: word.toLowerCase().replace(/\W/g, ""),
    start,
    end,
    confidence: 0.98,
    punctuated_word: word,
    ...(speaker === undefined ? {} : { speaker }),
  });
  return [of("The", 0.08, 0.24), of("mill", 0.24, 0.6), of("turns.", 0.6, 1.2)];
};

/** Two stretches of speech; speakers where they were asked for. */
export function transcribed(query: URLSearchParams, more: object = {}): object {
  const diarize = query.get("diarize") === "true";
  return {
    metadata: {
      transaction_key: "deprecated",
      request_id: "3c7a7a1e-5a0f-4c8e-8c1f-2f3a1b9d7e60",
      sha256: "0".repeat(64),
      created: "2026-11-25T10:00:00.000Z",
      duration: 12.5,
      channels: 1,
      models: ["1f1e7d1c-0000-4000-8000-000000000000"],
    },
    results: {
      channels: [
        {
          alternatives: [
            {
              transcript: "The mill turns. It grinds.",
              confidence: 0.9912,
              words: words(diarize ? 0 : undefined),
            },
          ],
          ...(query.get("detect_language") === "true" ? { detected_language: "en", language_confidence: 0.97 } : {}),
        },
      ],
      ...(query.get("utterances") === "true"
        ? {
            utterances: [
              {
                start: 0.08,
                end: 1.2,
                confidence: 0.9912,
                channel: 0,
                transcript: "The mill turns.",
                words: words(diarize ? 0 : undefined),
                ...(diarize ? { speaker: 0 } : {}),
                id: "a2c1b3d4-0000-4000-8000-000000000000",
              },
              {
                start: 2.5,
                end: 3.25,
                confidence: 0.95,
                channel: 0,
                transcript: "It grinds.",
                words: [],
                ...(diarize ? { speaker: 1 } : {}),
                id: "b2c1b3d4-0000-4000-8000-000000000000",
              },
            ],
          }
        : {}),
      ...more,
    },
  };
}

export const deepgramError = (status: number, err_code: string, err_msg: string): Reply => ({
  status,
  headers: { "dg-error": err_msg },
  pieces: [JSON.stringify({ err_code, err_msg, request_id: "7f0c9a52-0000-4000-8000-000000000000" })],
});

export function deepgramAnswer({ method, url, headers, body }: Arrival): Reply {
  if (headers.get("authorization") !== `Token ${deepgramKey}`) {
    return deepgramError(401, "INVALID_AUTH", "Invalid credentials.");
  }
  if (method === "GET" && url.pathname === "/v1/projects") {
    return { pieces: [JSON.stringify({ projects: [{ project_id: "p-1", name: "mill" }] })] };
  }
  if (method !== "POST" || url.pathname !== "/v1/listen") return deepgramError(404, "NOT_FOUND", "Project not found.");
  if (url.searchParams.get("model") === null) return deepgramError(400, "Bad Request", "model is missing");
  const isAddress = headers.get("content-type") === "application/json";
  if (isAddress && typeof JSON.parse(body.toString()).url !== "string") {
    return deepgramError(400, "Bad Request", "Content-type was application/json, but there is no url.");
  }
  if (!isAddress && (body.length === 0 || !headers.get("content-type")?.startsWith("audio/"))) {
    return deepgramError(400, "Bad Request", "Bad Request: failed to process audio: corrupt or unsupported data");
  }
  return {
    headers: { "dg-request-id": "3c7a7a1e-5a0f-4c8e-8c1f-2f3a1b9d7e60" },
    pieces: [JSON.stringify(transcribed(url.searchParams))],
  };
}
