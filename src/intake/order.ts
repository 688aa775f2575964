/**
 * From what a caller asks to a row that can be accepted, or to a refusal that says what to do. Pure: a model nobody
 * offers, a provider without a key and a body that is too long are said here, not after a thousand failures.
 */
import { v7 as uuidv7 } from "uuid";
import { estimateTokens } from "../admission/estimate.ts";
import type { Config } from "../config/config.ts";
import type { Deployment } from "../config/deployment.ts";
import type { NewRequest } from "../ledger/accept.ts";
import { type Body, maxBodyBytes } from "../request/body.ts";
import { type Priority, priorities } from "../request/priority.ts";
import { usableDeployments } from "../routing/route.ts";
import { schemaProblem } from "../runtime/json-schema.ts";
import { hasKey, lack, schemasOf, unableWords } from "./ability.ts";
import { type Misfit, misfitOf } from "./fit.ts";

export interface Order {
  readonly body: Body;
  readonly tenant: string;
  readonly priority: Priority;
  readonly batchId?: string;
  readonly line?: NewRequest["line"];
  readonly deadlineMs?: number;
  readonly idempotencyKey?: string;
  readonly traceparent?: string;
  readonly replyWanted?: boolean;
}

export interface Refusal {
  readonly code: "unknown_model" | "no_credential" | "too_long" | "exceeds_limit" | "unable" | "bad_schema";
  readonly message: string;
  /** Of refusals that pass: see full.ts. */
  readonly retryAfterSeconds?: undefined;
}

export type Prepared =
  /** `warning`: what may go wrong, though it is no reason to refuse. */
  | { readonly ok: true; readonly row: NewRequest; readonly warning?: string }
  | { readonly ok: false; readonly refusal: Refusal };

/** `now` is in milliseconds since 1970. */
export function prepareOrder(config: Config, order: Order, now: number): Prepared {
  const judged = judge(config, order);
  if (!judged.ok) return judged;
  const { first, tokens } = judged;
  return {
    ok: true,
    ...(first.info === undefined ? { warning: unknownWords(first) } : {}),
    row: {
      id: uuidv7(),
      tenant: order.tenant,
      model: order.body.model,
      deployment: first.id,
      lane: first.pool,
      priority: priorities[order.priority],
      body: order.body,
      estInputTokens: tokens.input,
      estOutputTokens: tokens.output,
      ...(order.batchId === undefined ? {} : { batchId: order.batchId }),
      ...(order.line === undefined ? {} : { line: order.line }),
      ...(order.deadlineMs === undefined ? {} : { deadline: new Date(now + order.deadlineMs) }),
      ...(order.idempotencyKey === undefined ? {} : { idempotencyKey: order.idempotencyKey }),
      ...(order.traceparent === undefined ? {} : { traceparent: order.traceparent }),
      ...(order.replyWanted === undefined ? {} : { replyWanted: order.replyWanted }),
    },
  };
}

const unknownWords = ({ model, provider }: Deployment): string =>
  `${model} is not known by name at ${provider}: its abilities are not checked, and its cost may stay unknown.`;

/** Why this order cannot be taken, or undefined. What `validate` shows is what `accept` refuses. */
export const refusalOf = (config: Config, order: Pick<Order, "body">): Refusal | undefined =>
  verdictOn(config, order).refusal;

/** What `accept` would say. */
export function verdictOn(
  config: Config,
  order: Pick<Order, "body">,
): { readonly refusal?: Refusal; readonly warning?: string } {
  const judged = judge(config, order);
  if (!judged.ok) return { refusal: judged.refusal };
  return judged.first.info === undefined ? { warning: unknownWords(judged.first) } : {};
}

type Judged =
  | { readonly ok: true; readonly first: Deployment; readonly tokens: Tokens }
  | { readonly ok: false; readonly refusal: Refusal };
type Tokens = ReturnType<typeof estimateTokens>;

/** Where an order can go first, and what it is expected to take there. */
function judge(config: Config, { body }: Pick<Order, "body">): Judged {
  const { model } = body;
  const route = config.catalog.route(model);
  if (route === undefined) {
    const known = likeliest(config.catalog.models, model);
    return refuse("unknown_model", `No model is called "${model}". Known: ${known}; any other as provider/model.`);
  }
  const usable = usableDeployments(route, (id) => hasKey(config, id));
  if (usable.length === 0) {
    const missing = new Set(route.deployments.map((deployment) => deployment.provider));
    const names = [...missing].map((id) => config.credentials.get(id)?.variable ?? `a key for ${id}`);
    return refuse("no_credential", `No key for ${[...missing].join(", ")}: set ${names.join(" or ")}.`);
  }
  if (bytesOf(body) > maxBodyBytes) {
    return refuse("too_long", `The request is longer than ${maxBodyBytes / 1024 / 1024} MiB.`);
  }
  const broken = schemasOf(body).flatMap((schema) => schemaProblem(schema) ?? [])[0];
  if (broken !== undefined) return refuse("bad_schema", `A JSON Schema of the request cannot be used: ${broken}.`);
  const tokens = estimateTokens(body);
  const able = usable.filter((deployment) => lack(deployment, body, tokens.input) === undefined);
  if (able.length === 0) return refuse("unable", unableWords(config, body, tokens.input, usable));
  const first = able.find((deployment) => misfit(config, deployment, tokens) === undefined);
  if (first !== undefined) return { ok: true, first, tokens };
  const misfits = able.flatMap((deployment) => misfit(config, deployment, tokens) ?? []);
  return refuse("exceeds_limit", `The request can never pass: ${misfits.map(misfitWords).join("; ")}. ${misfitAdvice}`);
}

/** Those that begin alike come first; nobody reads hundreds. */
function likeliest(names: readonly string[], wanted: string): string {
  const shown = [...names].sort((one, other) => alike(other, wanted) - alike(one, wanted)).slice(0, 12);
  const others = names.length - shown.length;
  return shown.join(", ") + (others > 0 ? ` and ${others} more` : "");
}

/** How many letters they have in common from the first on. */
const alike = (one: string, other: string): number => {
  const parting = [...one].findIndex((letter, at) => letter !== other[at]);
  return parting < 0 ? one.length : parting;
};

const refuse = (code: Refusal["code"], message: string): Judged => ({ ok: false, refusal: { code, message } });

const misfit = (config: Config, deployment: Deployment, tokens: Tokens) => {
  const pool = config.catalog.pools.get(deployment.pool);
  return pool === undefined ? undefined : misfitOf(pool, tokens);
};

const misfitWords = ({ pool, dimension, asked, most }: Misfit): string =>
  `it takes ${asked} of ${pool}'s ${dimension}, which lets ${most} through at once`;
const misfitAdvice =
  "Shorten it, ask for less output, or raise the limit in millrace.yaml if the provider allows more.";

const bytesOf = (body: Body): number => Buffer.byteLength(JSON.stringify(body));
