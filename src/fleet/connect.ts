/** The connection to a provider with the credential that settings and environment give. */
import type { Config } from "../config/config.ts";
import { openaiCompatible } from "../provider/adapters/openai-compatible.ts";
import type { Connection, Provider } from "../provider/provider.ts";
import { providerById } from "../provider/registry.ts";

/** Undefined: there is no such provider, or no credential for it. Nothing is sent yet. */
export function connectTo(config: Config, id: string): Connection | undefined {
  const credential = config.credentials.get(id);
  const provider = providerById(id) ?? ownProvider(config, id);
  if (provider === undefined || credential?.apiKey === undefined) return undefined;
  const { apiKey, baseUrl, more } = credential;
  return provider.connect({ apiKey, more, ...(baseUrl === undefined ? {} : { baseUrl }) });
}

/** Of the settings file; OpenAI's is the only wire they may name. */
function ownProvider({ catalog }: Config, id: string): Provider | undefined {
  const own = catalog.ownProviders.find((one) => one.id === id);
  if (own === undefined) return undefined;
  const { apiKeyVariable: variable, baseUrl: defaultBaseUrl } = own;
  const apiKey = variable === undefined ? [] : [variable];
  return openaiCompatible({
    id,
    apiKey,
    baseUrl: [],
    defaultBaseUrl,
    keyIsOptional: variable === undefined,
    embeds: true,
  });
}
