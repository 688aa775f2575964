import { providerEntries } from "../../src/config/models.ts";
import { azureOpenai } from "../../src/provider/adapters/azure-openai.ts";
import { grok } from "../../src/provider/adapters/grok.ts";
import { profiles } from "../../src/provider/adapters/openai/profiles.ts";
import { openai } from "../../src/provider/adapters/openai.ts";
import type { Provider } from "../../src/provider/provider.ts";
import type { Vendor } from "../../src/simulator/vendor.ts";

/** A model of the provider's that every judge knows. */
export function modelOf({ id }: Provider): string {
  const entry = providerEntries.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`src/config/models.ts knows no ${id}`);
  return entry.defaultModel;
}

const ofOpenai = [openai, grok, azureOpenai, ...profiles].map(({ id }) => id);

/** Whose wire a provider speaks, of those that both judges speak. Others are judged in files of their own. */
export function wireOf({ id }: Provider): Vendor | undefined {
  if (ofOpenai.includes(id)) return "openai";
  return id === "anthropic" || id === "gemini" ? id : undefined;
}
