/** What `provider test` asks: the smallest request of the kind that a model is for. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../../src/config/config.ts";
import { providerById } from "../../../src/provider/registry.ts";
import { type Body, type Operation, promptBody } from "../../../src/request/body.ts";
import { packageFolder } from "../../../src/runtime/package-folder.ts";

const prompt = "Reply with the single word: ready";
const maxOutputTokens = 256;
/** Also what is said in examples/mill.wav: 17 KB, one second, made with espeak-ng. */
const sentence = "The mill turns.";

/** `model` is `provider/model`. A model that is not known by name does the first thing that its provider offers. */
export function trialOperation({ catalog }: Config, provider: string, model: string): Operation {
  const [first = "chat"] = providerById(provider)?.operations ?? [];
  return catalog.deployment(model)?.info?.operation ?? first;
}

export async function trialBody(operation: Operation, model: string, stream: boolean): Promise<Body> {
  const streamed = stream ? { stream: true } : {};
  switch (operation) {
    case "chat":
      return { ...promptBody(model, prompt), maxOutputTokens, ...streamed };
    case "embedding":
      return { operation, model, input: [sentence] };
    case "speech":
      return { operation, model, text: sentence, ...streamed };
    case "transcription": {
      const data = await readFile(join(packageFolder("examples"), "mill.wav"), "base64");
      return { operation, model, source: { data, mediaType: "audio/wav" } };
    }
  }
}

/** What comes whole or not at all. */
export const comesWhole = (operation: Operation): boolean => operation === "embedding" || operation === "transcription";
