/** What the routes of the service itself say of themselves. */
import { z } from "zod";
import { serviceGroup } from "./openapi/document.ts";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";

const group = serviceGroup;
const text = (description: string) => ({ description, types: { "text/plain": z.string() } });
const page = (description: string) => ({ description, types: { "text/html": undefined } });

export const aliveDoc: RouteDoc = {
  group,
  summary: "Whether the process is alive",
  isOpen: true,
  answers: { 200: jsonContent("It is", z.strictObject({ status: z.literal("ok") })) },
};

const finding = z.union([z.literal("ok"), z.strictObject({ missing: z.string() })]);
const readiness = z.strictObject({
  status: z.enum(["ready", "not ready"]),
  checks: z.strictObject({ ledger: finding, redis: finding, migrations: finding }),
});
export const readyDoc: RouteDoc = {
  group,
  summary: "Whether it can do its work, or what it lacks",
  isOpen: true,
  answers: { 200: jsonContent("It can", readiness), 503: jsonContent("It lacks something", readiness) },
};

export const metricsDoc: RouteDoc = {
  group,
  summary: "Figures for Prometheus",
  description: "Needs an admin key.",
  answers: { 200: text("Prometheus' text format") },
};

export const loginPageDoc: RouteDoc = {
  group,
  summary: "A page that asks for an admin key",
  isOpen: true,
  answers: { 200: page("The page") },
};
export const loginDoc: RouteDoc = {
  group,
  summary: "Keep an admin key in a cookie, for pages",
  isOpen: true,
  body: {
    description: "The form of the page",
    types: { "application/x-www-form-urlencoded": z.object({ key: z.string() }) },
  },
  answers: { 303: { description: "On to the board" }, 401: page("It is no admin key") },
};
