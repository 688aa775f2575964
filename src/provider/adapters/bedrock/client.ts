/**
 * The SDK's client, loaded and opened at the first call: nobody else waits for it.
 *  - HTTP/1.1: one socket for one call, so that an abort ends it and nothing else; the SDK's own would be HTTP/2.
 *  - A token for Bedrock comes before access keys, as with the SDK itself; a profile, a role's token file and a
 *    container's credentials are the SDK's own chain.
 */
import type { BedrockRuntimeClient, BedrockRuntimeClientConfig } from "@aws-sdk/client-bedrock-runtime";
import type { ConnectionSettings } from "../../provider.ts";

export type Sdk = typeof import("@aws-sdk/client-bedrock-runtime");

export interface Opened {
  readonly sdk: Sdk;
  readonly client: BedrockRuntimeClient;
}

export async function openClient(settings: ConnectionSettings): Promise<Opened> {
  const [sdk, { NodeHttpHandler }] = await Promise.all([
    import("@aws-sdk/client-bedrock-runtime"),
    import("@smithy/node-http-handler"),
  ]);
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  // First token, idle and total time are the pipeline's.
  const timeouts = { connectionTimeout: 0, requestTimeout: 0, socketTimeout: 0 };
  const client = new sdk.BedrockRuntimeClient({
    ...credentialOf(settings),
    ...placeOf(settings),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpAgent: agent, httpsAgent: agent, ...timeouts }),
    logger: silent,
  });
  return { sdk, client };
}

/** Every part of it that must not be shown. */
export const secretsOf = ({ apiKey, more = {} }: ConnectionSettings): readonly string[] => {
  const { bearerToken, accessKeyId, secretAccessKey, sessionToken } = more;
  const parts = [bearerToken, accessKeyId, secretAccessKey, sessionToken, isNamed(more) ? undefined : apiKey];
  return [...new Set(parts.flatMap((part) => (part === undefined || part === "" ? [] : [part])))];
};

/** What stands for the key is then the name of a profile or of a file. */
const isNamed = ({ bearerToken, secretAccessKey, profile, role }: Readonly<Record<string, string>>): boolean =>
  bearerToken === undefined && secretAccessKey === undefined && (profile ?? role) !== undefined;

function credentialOf({ apiKey, more = {} }: ConnectionSettings): BedrockRuntimeClientConfig {
  const { bearerToken, accessKeyId, secretAccessKey, sessionToken, profile } = more;
  if (bearerToken === undefined && secretAccessKey !== undefined) {
    const keys = { accessKeyId: accessKeyId ?? apiKey, secretAccessKey };
    return {
      credentials: sessionToken === undefined ? keys : { ...keys, sessionToken },
      authSchemePreference: ["aws.auth#sigv4"],
    };
  }
  if (isNamed(more)) return profile === undefined ? {} : { profile };
  return { token: { token: bearerToken ?? apiKey }, authSchemePreference: ["httpBearerAuth"] };
}

/** Without a region the SDK looks into the profile; behind an address of one's own any will do. */
function placeOf({ baseUrl, more = {} }: ConnectionSettings): BedrockRuntimeClientConfig {
  const region = more["region"] ?? (baseUrl === undefined ? undefined : regionIn(baseUrl));
  return { ...(region === undefined ? {} : { region }), ...(baseUrl === undefined ? {} : { endpoint: baseUrl }) };
}

const regionIn = (url: string): string => /bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./.exec(url)?.[1] ?? "us-east-1";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
