/**
 * OpenAI's models at Azure: the model of a request is the name of a deployment.
 *  - Without OPENAI_API_VERSION, or with `v1`, `latest` or `preview`, calls go to `<endpoint>/openai/v1`, which has the
 *    Responses API too; with a dated version to `<endpoint>/openai/deployments/<name>`, which has chat completions only.
 *  - Three credentials, the first that is set: a key (`api-key`), a token of Entra's as it stands, or an application's
 *    secret, for which a token is fetched and renewed: one more request each hour, none for each call.
 */
import { AzureOpenAI } from "openai";
import type { ConnectionSettings, Provider } from "../provider.ts";
import { entraTokens } from "./openai/azure-token.ts";
import { openConnection } from "./openai/connection.ts";
import { apiKeyHeader, bearerKey, type CredentialSource } from "./openai/credential.ts";
import { openaiDialect } from "./openai/dialect.ts";
import { clientSettings, openClient } from "./openai/line.ts";
import { needsResponses } from "./openai/response-rule.ts";

export const azureOpenai: Provider = {
  id: "azure-openai",
  environment: {
    apiKey: ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_CLIENT_SECRET"],
    baseUrl: ["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"],
    more: {
      entraToken: ["AZURE_OPENAI_AD_TOKEN"],
      clientSecretKey: ["AZURE_CLIENT_SECRET"],
      clientId: ["AZURE_CLIENT_ID"],
      tenantId: ["AZURE_TENANT_ID"],
      authorityHost: ["AZURE_AUTHORITY_HOST"],
      apiVersion: ["OPENAI_API_VERSION"],
    },
  },
  operations: ["chat", "embedding"],
  connect(settings) {
    const { baseUrl, more = {} } = settings;
    const root = `${(baseUrl ?? unknownEndpoint).replace(/\/(?:openai(?:\/v1)?)?\/?$/, "")}/openai`;
    const version = more.apiVersion;
    const isDated = version !== undefined && /^\d{4}-/.test(version);
    return openConnection({
      client: isDated
        ? new AzureOpenAI({ ...clientSettings({ baseURL: root, ownAccount: false }), apiVersion: version })
        : openClient({
            baseURL: `${root}/v1`,
            ownAccount: false,
            ...(version === "preview" ? { query: { "api-version": version } } : {}),
          }),
      dialect: { ...openaiDialect, provider: "azure-openai", name: "Azure OpenAI" },
      credentials: credentialsOf(settings),
      embeds: true,
      ...(isDated ? {} : { responds: needsResponses }),
    });
  },
};

/** Nothing answers there, and the failure says the name. */
const unknownEndpoint = "https://set-AZURE_OPENAI_ENDPOINT.invalid";

function credentialsOf({ apiKey, more = {} }: ConnectionSettings): CredentialSource {
  if (apiKey === more.entraToken) return bearerKey(apiKey);
  if (apiKey !== more.clientSecretKey) return apiKeyHeader(apiKey);
  return entraTokens({
    secret: apiKey,
    clientId: more.clientId ?? "",
    tenantId: more.tenantId ?? "",
    authority: more.authorityHost ?? "https://login.microsoftonline.com",
  });
}
