/** Endpoints of one's own that speak a wire we know, as `millrace.yaml` names them. Pure. */
import { z } from "zod";
import type { ProviderEntry } from "./provider-entry.ts";

/** What the settings of such a provider say beside limits and attempts. */
export const ownProviderKeys = {
  /** Whose wire it speaks; makes this a provider of your own, under a name of your own. */
  like: z.enum(["openai-compatible"]).optional(),
  /** Name of the variable that has its key; without one it is called without a key. */
  apiKeyVariable: z
    .string()
    .regex(/^[A-Z_][A-Z\d_]*$/, "must be the name of an environment variable, such as MY_API_KEY")
    .optional(),
  /** Of `provider test` and of fallback chains. */
  defaultModel: z.string().min(1).optional(),
};

type OwnSettings = z.infer<z.ZodObject<typeof ownProviderKeys>> & { readonly baseUrl?: string | undefined };

export interface OwnProvider {
  readonly id: string;
  readonly like: "openai-compatible";
  readonly apiKeyVariable: string | undefined;
  readonly baseUrl: string;
  readonly entry: ProviderEntry;
}

export type ReadOwnProviders =
  | { readonly ok: true; readonly providers: readonly OwnProvider[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `known`: the names that are taken. */
export function ownProviders(
  { providers }: { readonly providers: Readonly<Record<string, OwnSettings>> },
  known: readonly string[],
): ReadOwnProviders {
  const found = Object.entries(providers).map(([id, settings]) => readOwn(id, settings, known.includes(id)));
  const problems = found.flatMap((one) => (typeof one === "string" ? [one] : []));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, providers: found.flatMap((one) => (typeof one === "object" ? [one] : [])) };
}

function readOwn(
  id: string,
  { like, apiKeyVariable, baseUrl, defaultModel }: OwnSettings,
  isKnown: boolean,
): OwnProvider | string | undefined {
  if (like === undefined) {
    const idle = Object.entries({ apiKeyVariable, defaultModel }).find(([, value]) => value !== undefined);
    return idle === undefined ? undefined : `providers.${id}.${idle[0]}: only a provider with like has it`;
  }
  if (isKnown) return `providers.${id}.like: ${id} is a provider of its own; choose another name`;
  if (!/^[a-z][a-z\d-]{0,39}$/.test(id)) return `providers.${id}: a name has small letters, digits and - only`;
  if (baseUrl === undefined) return `providers.${id}.baseUrl: is missing; without it nobody can be called`;
  return { id, like, apiKeyVariable, baseUrl, entry: entryOf(id, defaultModel ?? "default") };
}

/** Nothing is known of its limits; its headers may tell, and settings can. */
const entryOf = (id: string, defaultModel: string): ProviderEntry => ({
  id,
  requestsPerMinute: { variable: `${id.toUpperCase().replaceAll("-", "_")}_RPM` },
  limits: [
    { dimension: "requests", mode: "sliding" },
    { dimension: "tokens", mode: "sliding" },
  ],
  charge: {
    input: "exact",
    cacheReads: "counted",
    output: "produced",
    outputWeight: 1,
    refund: "end",
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: id,
  defaultModel,
  models: {},
});
