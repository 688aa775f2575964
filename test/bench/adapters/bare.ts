/** What somebody writes who calls a provider through its own SDK, whole and streamed: the arm that adapters are held against. */
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenerativeAI } from "@google/generative-ai";
import OpenAI from "openai";

export type BareCall = (onFirstToken: () => void) => Promise<string>;

export interface BareClient {
  readonly whole: BareCall;
  readonly streamed: BareCall;
}

export interface BareSettings {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly prompt: string;
  readonly maxOutputTokens: number;
}

const anthropic = ({ apiKey, baseUrl, model, prompt, maxOutputTokens }: BareSettings): BareClient => {
  const client = new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: 0 });
  const body = { model, max_tokens: maxOutputTokens, messages: [{ role: "user" as const, content: prompt }] };
  return {
    async whole(onFirstToken) {
      const { content } = await client.messages.create(body);
      onFirstToken();
      return content.map((block) => (block.type === "text" ? block.text : "")).join("");
    },
    async streamed(onFirstToken) {
      let text = "";
      for await (const event of await client.messages.create({ ...body, stream: true })) {
        if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
        if (text === "") onFirstToken();
        text += event.delta.text;
      }
      return text;
    },
  };
};

const openai = ({ apiKey, baseUrl, model, prompt, maxOutputTokens }: BareSettings): BareClient => {
  const client = new OpenAI({ apiKey, baseURL: baseUrl, maxRetries: 0 });
  const body = {
    model,
    max_completion_tokens: maxOutputTokens,
    messages: [{ role: "user" as const, content: prompt }],
  };
  return {
    async whole(onFirstToken) {
      const { choices } = await client.chat.completions.create(body);
      onFirstToken();
      return choices[0]?.message.content ?? "";
    },
    async streamed(onFirstToken) {
      let text = "";
      const more = { stream: true as const, stream_options: { include_usage: true } };
      for await (const { choices } of await client.chat.completions.create({ ...body, ...more })) {
        const piece = choices[0]?.delta.content ?? "";
        if (text === "" && piece !== "") onFirstToken();
        text += piece;
      }
      return text;
    },
  };
};

const gemini = ({ apiKey, baseUrl, model: name, prompt, maxOutputTokens }: BareSettings): BareClient => {
  const settings = { model: name, generationConfig: { maxOutputTokens } };
  const model = new GoogleGenerativeAI(apiKey).getGenerativeModel(settings, { baseUrl });
  return {
    async whole(onFirstToken) {
      const { response } = await model.generateContent(prompt);
      onFirstToken();
      return response.text();
    },
    async streamed(onFirstToken) {
      let text = "";
      for await (const chunk of (await model.generateContentStream(prompt)).stream) {
        if (text === "") onFirstToken();
        text += chunk.text();
      }
      return text;
    },
  };
};

export const bareClients = { anthropic, openai, gemini };
