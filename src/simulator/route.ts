/** Which wire and which operation a path means. Pure. */
import type { IncomingHttpHeaders } from "node:http";
import type { Vendor } from "./vendor.ts";

export type Target =
  | {
      readonly operation: "call";
      readonly vendor: Vendor;
      readonly model?: string;
      readonly stream?: boolean;
      /** Where a vendor has more than one API. */
      readonly api?: "responses" | "embeddings";
    }
  | { readonly operation: "models"; readonly vendor: Vendor }
  | { readonly operation: "control" }
  /** No such path; a vendor's prefix says in whose words to say so. */
  | { readonly operation: "none"; readonly vendor: Vendor | undefined };

type Found = Extract<Target, { readonly operation: "call" | "models" }>;

/** Paths are the vendors' own behind `/anthropic`, `/openai` and `/gemini`, and without a prefix too. */
export function targetOf(method: string, path: string, headers: IncomingHttpHeaders): Target {
  if (path.startsWith("/_sim/") || path === "/_sim") return { operation: "control" };
  const vendor = prefixes.find((prefix) => path.startsWith(`/${prefix}/`));
  const rest = vendor === undefined ? path : path.slice(vendor.length + 1);
  const target = method === "POST" ? callOf(rest) : method === "GET" ? modelsOf(rest, vendor, headers) : undefined;
  const isTheirs = target !== undefined && (vendor === undefined || target.vendor === vendor);
  return isTheirs ? target : { operation: "none", vendor };
}

const prefixes: readonly Vendor[] = ["anthropic", "openai", "gemini"];

function callOf(path: string): Found | undefined {
  if (path === "/v1/messages") return { operation: "call", vendor: "anthropic" };
  if (path === "/v1/chat/completions") return { operation: "call", vendor: "openai" };
  if (path === "/v1/responses") return { operation: "call", vendor: "openai", api: "responses" };
  if (path === "/v1/embeddings") return { operation: "call", vendor: "openai", api: "embeddings" };
  const [, name, verb] = /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/.exec(path) ?? [];
  const model = name === undefined ? undefined : decoded(name);
  return model === undefined
    ? undefined
    : { operation: "call", vendor: "gemini", model, stream: verb === "streamGenerateContent" };
}

/** `/v1/models` alone is two vendors' path: the header that only one of them wants decides. */
function modelsOf(path: string, vendor: Vendor | undefined, headers: IncomingHttpHeaders): Found | undefined {
  if (path === "/v1beta/models") return { operation: "models", vendor: "gemini" };
  if (path !== "/v1/models") return undefined;
  return { operation: "models", vendor: vendor ?? ("anthropic-version" in headers ? "anthropic" : "openai") };
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
