/** `/v1/models`: what this fleet can be asked for, by the names under which it is asked. */
import type { FastifyInstance } from "fastify";
import type { Config } from "../../src/config/config.ts";
import type { Route } from "../../src/config/deployment.ts";
import { hasKey } from "../../src/intake/ability.ts";
import { usableDeployments } from "../../src/routing/route.ts";
import type { AnswerDeps } from "./attended.ts";
import { modelDoc, modelsDoc } from "./openai-docs.ts";
import { type Problem, sendProblem } from "./problem.ts";

export function addModels(app: FastifyInstance, { fleet: { config } }: Pick<AnswerDeps, "fleet">): void {
  app.get("/v1/models", { config: { doc: modelsDoc } }, async () => ({
    object: "list",
    data: namesOf(config).flatMap((name) => modelJson(config, name) ?? []),
  }));

  // Names have slashes in them, and the clients send them as they are or encoded.
  app.get<{ Params: { "*": string } }>("/v1/models/*", { config: { doc: modelDoc } }, async (request, reply) => {
    const name = request.params["*"];
    return modelJson(config, name) ?? sendProblem(reply, noModel(name));
  });
}

/** The catalogue's own names, then every model of a provider under its full one. */
function namesOf({ catalog }: Config): readonly string[] {
  const full = [...catalog.entries.values()].flatMap(({ id, models }) =>
    Object.keys(models).map((model) => `${id}/${model}`),
  );
  return [...new Set([...catalog.models, ...full])];
}

/** When the catalogue was last looked over: when a model appeared is not known here, and the wire wants a time. */
const createdSeconds = Date.UTC(2026, 10, 1) / 1_000;

/** Undefined: nobody offers it, or nobody who has a key here. */
function modelJson(config: Config, name: string): object | undefined {
  const route = config.catalog.route(name);
  const first = route === undefined ? undefined : usable(config, route)[0];
  return first === undefined
    ? undefined
    : { id: name, object: "model", created: createdSeconds, owned_by: first.provider };
}

const usable = (config: Config, route: Route) => usableDeployments(route, (provider) => hasKey(config, provider));

const noModel = (name: string): Problem => ({
  status: 404,
  type: "invalid_request_error",
  code: "model_not_found",
  message: `No model is called ${JSON.stringify(name.slice(0, 200))}, or no provider of it has a key here. GET /v1/models has all names.`,
  param: "model",
});
