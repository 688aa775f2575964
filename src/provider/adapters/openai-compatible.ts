/**
 * Whoever speaks OpenAI's chat completions, by its profile: Groq, Mistral, DeepSeek, vLLM, Ollama and more
 * (openai/profiles.ts), or any other address. What a dialect does not carry is refused before it is sent.
 *  - A server that needs no key counts as configured once its address is set.
 */
import type { Provider } from "../provider.ts";
import { openConnection } from "./openai/connection.ts";
import { bearerKey, noKey } from "./openai/credential.ts";
import { type Dialect, usualDialect } from "./openai/dialect.ts";
import { openClient } from "./openai/line.ts";

export interface Profile {
  readonly id: string;
  /** As failures call it; the id where absent. */
  readonly name?: string;
  /** Variables, first one wins. */
  readonly apiKey: readonly string[];
  readonly baseUrl: readonly string[];
  /** With its version, as `https://api.groq.com/openai/v1`. */
  readonly defaultBaseUrl: string;
  readonly keyIsOptional?: boolean;
  readonly embeds?: boolean;
  /** A list behind the key: where it is from the base URL, and its field. `/models` and `data` where absent. */
  readonly list?: { readonly path: string; readonly field: string };
  readonly dialect?: Partial<Omit<Dialect, "provider" | "name">>;
}

/** A provider from a profile. */
export function openaiCompatible(profile: Profile): Provider {
  const { id, name = id, apiKey: keys, baseUrl: urls, keyIsOptional = false, embeds = false, list } = profile;
  const dialect: Dialect = { ...usualDialect, ...profile.dialect, provider: id, name };
  return {
    id,
    environment: { apiKey: keyIsOptional ? [...keys, ...urls] : keys, baseUrl: urls },
    operations: embeds ? ["chat", "embedding"] : ["chat"],
    connect: ({ apiKey, baseUrl }) =>
      openConnection({
        client: openClient({ baseURL: baseUrl ?? profile.defaultBaseUrl, ownAccount: false }),
        dialect,
        credentials: keyIsOptional && (apiKey === "" || apiKey === baseUrl) ? noKey : bearerKey(apiKey),
        embeds,
        ...(list === undefined ? {} : { list }),
      }),
  };
}
