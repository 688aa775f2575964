/** OpenAI's own client, pointed at a server of a test. */
import OpenAI, { APIError, type ClientOptions } from "openai";
import { expect } from "vitest";
import { z } from "zod";
import type { TestHttp } from "./http.ts";

/** Never tries again unless told. */
export const openaiOf = ({ url }: Pick<TestHttp, "url">, options: ClientOptions = {}): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0, ...options });

export const weather = {
  type: "function" as const,
  function: {
    name: "weather",
    description: "What the weather is like",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

/** What a prompt orders the simulator to call. */
export const callsWeather = 'How is it there? [tool weather {"city": "Bangor"}]';

/** One event of a stream as it came, comments apart. */
export interface WireEvent {
  readonly id: string | undefined;
  readonly data: unknown;
}

export const wireEvents = (text: string): readonly WireEvent[] =>
  text
    .split("\n\n")
    .filter((block) => block.includes("data: ") && !block.includes("data: [DONE]"))
    .map((block) => ({
      id: /^id: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null"),
    }));

const chunkSchema = z.object({ choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })) });

/** The text in the chunks of a chat completion. */
export const chunkText = (events: readonly WireEvent[]): string =>
  events
    .flatMap(({ data }) => chunkSchema.parse(data).choices)
    .map(({ delta }) => delta.content ?? "")
    .join("");

/** What the client throws when its call fails. */
export const apiError = async (attempt: Promise<unknown>): Promise<APIError> =>
  attempt.then(
    () => expect.unreachable("it was answered"),
    (error) => (error instanceof APIError ? error : expect.unreachable(String(error))),
  );
