import type { Connection } from "../../src/provider/provider.ts";
import type { ChatBody } from "../../src/request/body.ts";
import { type CallWish, call, type WatchedCall } from "./call.ts";
import type { WireAnswer, WireRequest, WireServer } from "./wire-server.ts";

export const apiKey = "sk-test-0123456789-abcdWXYZ";

export const text = (words: string) => ({ type: "text" as const, text: words });

export const conversation: Partial<ChatBody> = {
  system: "Be brief.",
  messages: [
    { role: "user", content: [text("Hello"), text("there")] },
    { role: "assistant", content: [text("Hi.")] },
    { role: "user", content: [text("Go on")] },
  ],
  stop: ["END", "STOP"],
};

export const sampling: Partial<ChatBody> = { temperature: 0, topP: 0.9, topK: 40, seed: 7, maxOutputTokens: 99 };

/** Sends one call to a server that gives `answer`; returns what came of it and what went out. */
export async function exchange(
  server: WireServer,
  connection: Connection,
  answer: WireAnswer,
  wish: Partial<CallWish> = {},
): Promise<WatchedCall & { readonly sent: WireRequest }> {
  server.answer = () => answer;
  const seen = await call(connection, { model: "some-model", ...wish });
  const sent = server.requests.at(-1);
  if (sent === undefined) throw new Error("nothing arrived");
  return { ...seen, sent };
}
