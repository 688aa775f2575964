import type { Failure } from "../../../request/failure.ts";

/** What one call shows to be let in. */
export interface Credential {
  /** What no failure's message may show; empty where there is nothing to hide. */
  readonly secret: string;
  readonly headers: Readonly<Record<string, string | null>>;
}

/** Asked before each call: a token may have to be fetched first. */
export type CredentialSource = (
  signal: AbortSignal,
) => Promise<
  { readonly ok: true; readonly credential: Credential } | { readonly ok: false; readonly failure: Failure }
>;

const always = (credential: Credential): CredentialSource => {
  const answer = Promise.resolve({ ok: true as const, credential });
  return () => answer;
};

export const bearer = (secret: string): Credential => ({ secret, headers: { authorization: `Bearer ${secret}` } });
export const bearerKey = (key: string): CredentialSource => always(bearer(key));
export const apiKeyHeader = (key: string): CredentialSource =>
  always({ secret: key, headers: { authorization: null, "api-key": key } });
export const noKey: CredentialSource = always({ secret: "", headers: { authorization: null } });
