/** Refusing early what no model of a route can do, with a model that could. Pure. */
import type { Config } from "../config/config.ts";
import type { Deployment } from "../config/deployment.ts";
import { providerById } from "../provider/registry.ts";
import { type Body, isChat } from "../request/body.ts";
import { lackOf } from "../routing/capability.ts";
import type { JsonSchema } from "../runtime/json-schema.ts";

/** What a deployment lacks for a body, in words that follow its name; undefined: it may be asked. */
export const lack = ({ info, provider }: Deployment, body: Body, inputTokens: number): string | undefined =>
  lackOf(info, body, inputTokens, providerById(provider)?.operations);

/** Why none of them can be asked, and who could instead. */
export function unableWords(config: Config, body: Body, inputTokens: number, usable: readonly Deployment[]): string {
  const lacks = usable.map((deployment) => `${deployment.id} ${lack(deployment, body, inputTokens)}`);
  const { catalog } = config;
  const others = catalog.models.flatMap((name) => catalog.route(name)?.deployments.slice(0, 1) ?? []);
  const instead = others.find(
    (one) => hasKey(config, one.provider) && one.info !== undefined && lack(one, body, inputTokens) === undefined,
  );
  const advice = instead === undefined ? "No model with a key here could" : `${instead.id} could`;
  return `${lacks.join("; ")}. ${advice}.`;
}

export const hasKey = (config: Config, provider: string): boolean =>
  config.credentials.get(provider)?.apiKey !== undefined;

/** Every JSON Schema that the caller wrote. */
export const schemasOf = (body: Body): readonly JsonSchema[] =>
  isChat(body)
    ? [
        ...(body.tools ?? []).map(({ parameters }) => parameters),
        ...(body.responseFormat?.type === "json-schema" ? [body.responseFormat.schema] : []),
      ]
    : [];
