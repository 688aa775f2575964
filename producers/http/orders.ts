/** The body of `POST /v1/requests`, parsed once: one order or up to a thousand. Pure. */
import { z } from "zod";
import type { Order } from "../../src/intake/order.ts";
import { type Body, bodySchema, promptBody } from "../../src/request/body.ts";
import { priorityNames } from "../../src/request/priority.ts";
import { pathOf, type Read, read } from "../jsonl/complaint.ts";
import { idSchema, modelSchema } from "../jsonl/line-fields.ts";
import { type Conversation, readMessages } from "../jsonl/messages.ts";
import { samplingOf, samplingShape } from "../jsonl/sampling.ts";
import type { Problem } from "./problem.ts";

const maxOrders = 1_000;
const maxDeadlineMs = 30 * 24 * 3_600_000;

const { max_tokens: maxOutputTokens, max_completion_tokens: _other, ...sampling } = samplingShape;
const orderSchema = z.strictObject({
  model: modelSchema.nullish(),
  prompt: z.string().min(1).optional(),
  messages: z.unknown().optional(),
  system: z.string().nullish(),
  max_output_tokens: maxOutputTokens,
  ...sampling,
  stream: bodySchema.shape.stream.nullable(),
  priority: z.enum(priorityNames, { error: `must be ${priorityNames.join(", ")}` }).nullish(),
  tenant: idSchema.max(100).nullish(),
  deadline_ms: z.int().min(1).max(maxDeadlineMs).nullish(),
});
type GivenOrder = z.infer<typeof orderSchema>;

export interface OrderDefaults {
  readonly tenant: string;
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  readonly replyWanted: boolean;
}

export type ReadOrders =
  | { readonly ok: true; readonly many: boolean; readonly orders: readonly Order[] }
  | { readonly ok: false; readonly problem: Problem };

export function readOrders(body: unknown, defaults: OrderDefaults): ReadOrders {
  const many = Array.isArray(body);
  const given: readonly unknown[] = many ? body : [body];
  if (given.length === 0 || given.length > maxOrders) {
    return { ok: false, problem: invalid(`send 1 to ${maxOrders} requests at once, not ${given.length}`, undefined) };
  }
  const orders: Order[] = [];
  for (const [at, value] of given.entries()) {
    const place = many ? pathOf("", [at]) : "";
    const order = readOrder(value, place, { ...defaults, idempotencyKey: keyOf(defaults.idempotencyKey, many, at) });
    if (!order.ok) return { ok: false, problem: invalid(order.reason, paramOf(order.reason)) };
    orders.push(order.value);
  }
  return { ok: true, many, orders };
}

/** Each request of a list has a key of its own, so that the list can be sent again as a whole. */
const keyOf = (key: string | undefined, many: boolean, at: number): string | undefined =>
  key === undefined || !many ? key : `${key}#${at}`;

function readOrder(value: unknown, place: string, defaults: OrderDefaults): Read<Order> {
  const order = read(orderSchema, value, place);
  if (!order.ok) return order;
  const body = bodyOf(order.value, place);
  if (!body.ok) return body;
  const { tenant, priority, deadline_ms: deadlineMs, stream } = order.value;
  return {
    ok: true,
    value: {
      body: body.value,
      tenant: tenant ?? defaults.tenant,
      priority: priority ?? "standard",
      replyWanted: defaults.replyWanted || stream === true,
      ...(deadlineMs === undefined || deadlineMs === null ? {} : { deadlineMs }),
      ...(defaults.idempotencyKey === undefined ? {} : { idempotencyKey: defaults.idempotencyKey }),
      ...(defaults.traceparent === undefined ? {} : { traceparent: defaults.traceparent }),
    },
  };
}

function bodyOf(order: GivenOrder, place: string): Read<Body> {
  const turns = turnsOf(order, place);
  if (!turns.ok) return turns;
  const system = [order.system, turns.value.system].filter((text) => typeof text === "string").join("\n\n");
  return {
    ok: true,
    value: {
      model: order.model ?? "default",
      ...(system === "" ? {} : { system }),
      messages: [...turns.value.messages],
      ...samplingOf({ ...order, max_tokens: order.max_output_tokens }),
      ...(order.stream === true ? { stream: true } : {}),
    },
  };
}

function turnsOf(order: GivenOrder, place: string): Read<Conversation> {
  const hasMessages = order.messages !== undefined;
  if ((order.prompt !== undefined) === hasMessages) {
    return { ok: false, reason: `${pathOf(place, ["prompt"])} or messages must be given, and not both` };
  }
  if (hasMessages) return readMessages(order.messages, pathOf(place, ["messages"]));
  return { ok: true, value: { system: undefined, messages: promptBody("", order.prompt ?? "").messages } };
}

const invalid = (message: string, param: string | undefined): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code: "invalid_request",
  message,
  ...(param === undefined ? {} : { param }),
});

/** Reasons begin with the path of the field they speak of. */
const paramOf = (reason: string): string | undefined => /^(?:unknown field )?"?([\w.[\]]+)/.exec(reason)?.[1];

export const idempotencyKeySchema = idSchema.max(255);
export const waitSchema = z.coerce.number().int().min(0).max(600_000);
