/** `GET /openapi.json`: every route of the server, from its own table, and `GET /reference`: the same as a page. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { packageFolder } from "../../../src/runtime/package-folder.ts";
import { type OpenapiDocument, openapiDocument, type Route, serviceGroup } from "./document.ts";
import { pageStyle, referencePage } from "./reference-page.ts";
import { jsonContent } from "./route-doc.ts";

/** Pages for people, which are no part of the API. */
const pages = /^\/(?:(?:board|dashboard)(?:\/.*)?)?$/;

/** To be called before any route is added: the list grows with each. */
export function hearRoutes(app: FastifyInstance): readonly Route[] {
  const routes: Route[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    for (const one of [method].flat()) {
      if (one === "HEAD" || one === "OPTIONS" || pages.test(url)) continue;
      routes.push({ method: one, path: url, wire: config?.wire ?? "openai", doc: config?.doc });
    }
  });
  return routes;
}

export function addOpenapi(app: FastifyInstance, routes: readonly Route[]): void {
  let made: OpenapiDocument | undefined;
  const document = (): OpenapiDocument => {
    made ??= openapiDocument(routes, version());
    return made;
  };
  app.get("/openapi.json", { config: { doc: documentDoc } }, async () => document());
  app.get("/reference", { config: { doc: pageDoc } }, async (_request, reply) =>
    reply.headers(pageHeaders).send(referencePage(document())),
  );
}

const packageSchema = z.object({ version: z.string() });
const version = (): string =>
  packageSchema.parse(JSON.parse(readFileSync(packageFolder("package.json"), "utf8"))).version;

const styleHash = createHash("sha256").update(pageStyle).digest("base64");
const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'`,
};

const group = serviceGroup;
const documentDoc = {
  group,
  summary: "This document",
  isOpen: true,
  answers: { 200: jsonContent("OpenAPI 3.1", z.looseObject({ openapi: z.literal("3.1.0") })) },
};
const pageDoc = {
  group,
  summary: "This document as a page",
  isOpen: true,
  answers: { 200: { description: "A page", types: { "text/html": undefined } } },
};
