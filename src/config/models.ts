/** Every provider that is known by name; a new one is its file and a line here. */

import type { ProviderEntry } from "./provider-entry.ts";
import { anthropic } from "./providers/anthropic.ts";
import { azureOpenai } from "./providers/azure-openai.ts";
import { bedrock } from "./providers/bedrock.ts";
import { deepgram } from "./providers/deepgram.ts";
import { elevenlabs } from "./providers/elevenlabs.ts";
import { gemini } from "./providers/gemini.ts";
import { grok } from "./providers/grok.ts";
import { openai } from "./providers/openai.ts";
import { openaiCompatible } from "./providers/openai-compatible.ts";
import { vertex } from "./providers/vertex.ts";

/** The first one is the primary one where nobody says; of a model that several offer, the first has the bare name. */
export const providerEntries: readonly ProviderEntry[] = [
  anthropic,
  openai,
  gemini,
  grok,
  azureOpenai,
  vertex,
  bedrock,
  ...openaiCompatible,
  deepgram,
  elevenlabs,
];
