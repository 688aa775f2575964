/** `/v1/models`: what this fleet can be asked for, by the names under which it is asked, in the form of who asks. */
import type { FastifyInstance } from "fastify";
import type { Config } from "../../src/config/config.ts";
import type { Route } from "../../src/config/deployment.ts";
import { hasKey } from "../../src/intake/ability.ts";
import { usableDeployments } from "../../src/routing/route.ts";
import { anthropicModel, anthropicModels, anthropicModelsQuery, type Offered } from "./anthropic-models.ts";
import type { AnswerDeps } from "./attended.ts";
import { badQuery } from "./files.ts";
import { modelDoc, modelsDoc } from "./openai-docs.ts";
import { type Problem, sendProblem, wireOf } from "./problem.ts";

export function addModels(app: FastifyInstance, { fleet: { config } }: Pick<AnswerDeps, "fleet">): void {
  const wire = "callers";
  app.get("/v1/models", { config: { wire, doc: modelsDoc(anthropicModelsQuery) } }, async (request, reply) => {
    const offered = namesOf(config).flatMap((name) => offeredAs(config, name) ?? []);
    if (wireOf(request) === "openai") return { object: "list", data: offered.map(openaiModel) };
    const query = anthropicModelsQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    return anthropicModels(offered, query.data) ?? sendProblem(reply, noPlace);
  });

  // Names have slashes in them, and the clients send them as they are or encoded.
  const path = "/v1/models/*";
  app.get<{ Params: { "*": string } }>(path, { config: { wire, doc: modelDoc } }, async (request, reply) => {
    const name = request.params["*"];
    const offered = offeredAs(config, name);
    const isOpenai = wireOf(request) === "openai";
    if (offered !== undefined) return isOpenai ? openaiModel(offered) : anthropicModel(offered);
    return sendProblem(reply, isOpenai ? noModel(name) : { ...noModel(name), type: "not_found_error" });
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

const openaiModel = ({ name, first }: Offered) => ({
  id: name,
  object: "model",
  created: createdSeconds,
  owned_by: first.provider,
});

/** Undefined: nobody offers it, or nobody who has a key here. */
function offeredAs(config: Config, name: string): Offered | undefined {
  const route = config.catalog.route(name);
  const first = route === undefined ? undefined : usable(config, route)[0];
  return first === undefined ? undefined : { name, first };
}

const usable = (config: Config, route: Route) => usableDeployments(route, (provider) => hasKey(config, provider));

const noModel = (name: string): Problem => ({
  status: 404,
  type: "invalid_request_error",
  code: "model_not_found",
  message: `No model is called ${JSON.stringify(name.slice(0, 200))}, or no provider of it has a key here. GET /v1/models has all names.`,
  param: "model",
});

const noPlace: Problem = {
  status: 400,
  type: "invalid_request_error",
  code: "invalid_value",
  message: "after_id or before_id is no model of this list.",
};
