/** Every provider there is. A new one is its adapter's file and a line here. */
import { anthropic } from "./adapters/anthropic.ts";
import { gemini } from "./adapters/gemini.ts";
import { openai } from "./adapters/openai.ts";
import type { Provider } from "./provider.ts";

export const providers: Readonly<Record<string, Provider>> = { anthropic, openai, gemini };

export const providerById = (id: string): Provider | undefined =>
  Object.hasOwn(providers, id) ? providers[id] : undefined;
