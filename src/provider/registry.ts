/** Every provider there is. A new one is its adapter's file and a line here. */
import { anthropic } from "./adapters/anthropic.ts";
import { azureOpenai } from "./adapters/azure-openai.ts";
import { bedrock } from "./adapters/bedrock.ts";
import { deepgram } from "./adapters/deepgram.ts";
import { elevenlabs } from "./adapters/elevenlabs.ts";
import { gemini } from "./adapters/gemini.ts";
import { grok } from "./adapters/grok.ts";
import { profiles } from "./adapters/openai/profiles.ts";
import { openai } from "./adapters/openai.ts";
import { openaiCompatible } from "./adapters/openai-compatible.ts";
import { vertex } from "./adapters/vertex.ts";
import type { Provider } from "./provider.ts";

export const providers: Readonly<Record<string, Provider>> = {
  anthropic,
  openai,
  gemini,
  grok,
  "azure-openai": azureOpenai,
  vertex,
  bedrock,
  ...Object.fromEntries(profiles.map((profile) => [profile.id, openaiCompatible(profile)])),
  deepgram,
  elevenlabs,
};

export const providerById = (id: string): Provider | undefined =>
  Object.hasOwn(providers, id) ? providers[id] : undefined;
