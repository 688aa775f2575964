/** The OpenAPI 3.1 document of the routes that a server has. Pure. */
import { z } from "zod";
import type { Content, RouteDoc } from "./route-doc.ts";
import { openSchemas, type Schemas } from "./schemas.ts";

export interface Route {
  readonly method: string;
  /** As fastify has it: `/v1/requests/:id`. */
  readonly path: string;
  readonly wire: "openai" | "anthropic" | "callers";
  readonly doc: RouteDoc | undefined;
}

export interface OpenapiDocument {
  readonly openapi: "3.1.0";
  readonly info: object;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> } & Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: Body & { readonly required: true };
  readonly responses: Readonly<Record<string, Body>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: object;
}

export interface Body {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

export function openapiDocument(routes: readonly Route[], version: string): OpenapiDocument {
  const schemas = openSchemas();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = pathOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas) };
  }
  const groups = [...new Set(routes.map(({ doc }) => doc?.group ?? otherGroup))].sort(serviceLast);
  return {
    openapi: "3.1.0",
    info: { title: "Millrace", version, description: about, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    tags: groups.map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components(),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}

const about =
  "Requests for AI providers: durable, prioritised, at the rate that was paid for. Until the first key is made, callers of this machine need none.";
const otherGroup = "Other";
export const serviceGroup = "Service";
const serviceLast = (one: string, other: string): number =>
  Number(one === serviceGroup) - Number(other === serviceGroup);
const undescribed: RouteDoc = {
  group: otherGroup,
  summary: "Not described",
  answers: { 200: { description: "Done" } },
};

function operationOf({ method, path, doc = undescribed, wire }: Route, schemas: Schemas): Operation {
  const { summary, description, isOpen, group, body } = doc;
  const answers = Object.entries(doc.answers).map(([status, content]) => [status, bodyOf(content, schemas, "output")]);
  const problem = { description: "What is wrong", types: { "application/json": problems[wire] } };
  return {
    operationId: `${method.toLowerCase()}${nameOf(pathOf(path))}`,
    tags: [group],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(isOpen === true ? { security: [] } : { security: [{ bearer: [] }, { apiKey: [] }] }),
    parameters: [...inPath(path), ...inQuery(doc, schemas), ...inHeaders(doc)],
    ...(body === undefined ? {} : { requestBody: { required: true, ...bodyOf(body, schemas, "input") } }),
    responses: { ...Object.fromEntries(answers), default: bodyOf(problem, schemas, "output") },
  };
}

function bodyOf({ description, types }: Content, schemas: Schemas, io: "input" | "output"): Body {
  if (types === undefined) return { description };
  const content = Object.entries(types).map(([type, schema]) => [
    type,
    schema === undefined ? {} : { schema: schemas.add(schema, io) },
  ]);
  return { description, content: Object.fromEntries(content) };
}

/** `/v1/requests/:id` → `/v1/requests/{id}` */
const pathOf = (path: string): string => path.replaceAll(/:(\w+)/g, "{$1}").replaceAll("*", "{path}");
const nameOf = (path: string): string =>
  path
    .split(/[^\w]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");

const inPath = (path: string): readonly Parameter[] =>
  [...pathOf(path).matchAll(/{(\w+)}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));

const inQuery = ({ query }: RouteDoc, schemas: Schemas): readonly Parameter[] =>
  Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: !z.safeParse(schema, undefined).success,
    schema: schemas.add(schema, "output"),
  }));

const inHeaders = ({ headers = {} }: RouteDoc): readonly Parameter[] =>
  Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string" },
  }));

const openaiProblem = z
  .strictObject({
    error: z.strictObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable().meta({ description: "Path of the field that is wrong" }),
      code: z.string().nullable().meta({ description: "Short and stable, for programs" }),
    }),
  })
  .meta({ id: "Problem" });
const anthropicProblem = z
  .strictObject({
    type: z.literal("error"),
    error: z.looseObject({ type: z.string(), message: z.string() }),
    request_id: z.string().nullable(),
  })
  .meta({ id: "AnthropicProblem" });
const problems = {
  openai: openaiProblem,
  anthropic: anthropicProblem,
  callers: z.union([openaiProblem, anthropicProblem]),
};
