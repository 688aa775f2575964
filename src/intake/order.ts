/**
 * From what a caller asks to a row that can be accepted, or to a refusal that says what to do. Pure: a model nobody
 * offers, a provider without a key and a body that is too long are said here, not after a thousand failures.
 */
import { v7 as uuidv7 } from "uuid";
import { estimateTokens } from "../admission/estimate.ts";
import type { Config } from "../config/config.ts";
import type { NewRequest } from "../ledger/accept.ts";
import { type Body, maxBodyBytes } from "../request/body.ts";
import { type Priority, priorities } from "../request/priority.ts";
import { usableDeployments } from "../routing/route.ts";

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
  readonly code: "unknown_model" | "no_credential" | "too_long";
  readonly message: string;
}

export type Prepared =
  | { readonly ok: true; readonly row: NewRequest }
  | { readonly ok: false; readonly refusal: Refusal };

/** `now` is in milliseconds since 1970. */
export function prepareOrder(config: Config, order: Order, now: number): Prepared {
  const refusal = refusalOf(config, order);
  if (refusal !== undefined) return { ok: false, refusal };
  const [first] = usable(config, order.body.model);
  if (first === undefined) throw new Error("prepareOrder: a route without a deployment was not refused");
  const tokens = estimateTokens(order.body);
  return {
    ok: true,
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

/** Why this order cannot be taken, or undefined. What `validate` shows is what `accept` refuses. */
export function refusalOf(config: Config, order: Pick<Order, "body">): Refusal | undefined {
  const { model } = order.body;
  const route = config.catalog.route(model);
  if (route === undefined) {
    return {
      code: "unknown_model",
      message: `No model is called "${model}". Known: ${config.catalog.models.join(", ")}; any other as provider/model.`,
    };
  }
  if (usable(config, model).length === 0) {
    const missing = new Set(route.deployments.map((deployment) => deployment.provider));
    const names = [...missing].map((id) => config.credentials.get(id)?.variable ?? `a key for ${id}`);
    return { code: "no_credential", message: `No key for ${[...missing].join(", ")}: set ${names.join(" or ")}.` };
  }
  if (bytesOf(order.body) > maxBodyBytes) {
    return { code: "too_long", message: `The request is longer than ${maxBodyBytes / 1024 / 1024} MiB.` };
  }
  return undefined;
}

const usable = (config: Config, model: string) => {
  const route = config.catalog.route(model);
  return route === undefined ? [] : usableDeployments(route, (id) => config.credentials.get(id)?.apiKey !== undefined);
};

/** A floor of the body's size: its text. The frame around it is small. */
const bytesOf = (body: Body): number =>
  body.messages.reduce(
    (sum, message) => sum + message.content.reduce((part, { text }) => part + Buffer.byteLength(text), 0),
    Buffer.byteLength(body.system ?? ""),
  );
