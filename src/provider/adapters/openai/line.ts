/** A client of the openai SDK and what is needed to call with it. */
import OpenAI, { type ClientOptions } from "openai";
import type { Body } from "../../../request/body.ts";
import { known } from "../../../runtime/known.ts";
import type { CallInput } from "../../provider.ts";
import { openSockets, sdkTimeoutMs } from "../../transport.ts";
import type { Credential } from "./credential.ts";
import type { Dialect } from "./dialect.ts";
import { fetchInEnvelope } from "./error-envelope.ts";

/** One call's way out. */
export interface Line {
  readonly client: OpenAI;
  readonly dialect: Dialect;
  readonly credential: Credential;
}

export interface ClientSettings {
  readonly baseURL: string;
  /** The SDK reads OPENAI_ORG_ID and OPENAI_PROJECT_ID by itself: for OpenAI alone. */
  readonly ownAccount: boolean;
  readonly query?: Readonly<Record<string, string>>;
}

type KeylessOptions = Omit<ClientOptions, "provider" | "apiKey"> & { readonly apiKey: string };

/** Every call brings its own credential, so the client has none. */
export const clientSettings = ({ baseURL, ownAccount, query = {} }: ClientSettings): KeylessOptions => ({
  apiKey: "none",
  adminAPIKey: null,
  baseURL,
  maxRetries: 0,
  timeout: sdkTimeoutMs,
  logLevel: "off" as const, // its log prints prompts and answers
  fetch: fetchInEnvelope,
  // A redirect is an error: the key would go along.
  fetchOptions: { dispatcher: openSockets(), redirect: "manual" },
  defaultQuery: query,
  ...(ownAccount ? {} : { organization: null, project: null }),
});

export const openClient = (settings: ClientSettings): OpenAI => new OpenAI(clientSettings(settings));

export const sendOptions = ({ correlation }: CallInput<Body>, { headers }: Credential, signal: AbortSignal) => ({
  signal,
  headers: { ...headers, ...known({ "x-millrace-request": correlation }) },
});
