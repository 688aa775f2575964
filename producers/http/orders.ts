/** The body of `POST /v1/requests`, parsed once: one order or up to a thousand. Pure. */
import { z } from "zod";
import type { Order } from "../../src/intake/order.ts";
import { isStreamed } from "../../src/request/body.ts";
import { priorityNames } from "../../src/request/priority.ts";
import { depthComplaint, pathOf, type Read, read } from "../wire/complaint.ts";
import { idSchema } from "../wire/fields.ts";
import { apart, readNative } from "../wire/native.ts";
import { invalidBody } from "./invalid-body.ts";
import type { Problem } from "./problem.ts";

const maxOrders = 1_000;
const maxDeadlineMs = 30 * 24 * 3_600_000;

export const orderSchema = z.strictObject({
  priority: z.enum(priorityNames).nullish(),
  tenant: idSchema.max(100).nullish(),
  deadline_ms: z.int().min(1).max(maxDeadlineMs).nullish(),
});
const anyObject = z.looseObject({});

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
    return { ok: false, problem: invalidBody(`send 1 to ${maxOrders} requests at once, not ${given.length}`) };
  }
  const orders: Order[] = [];
  for (const [at, value] of given.entries()) {
    const place = many ? pathOf("", [at]) : "";
    const deep = depthComplaint(value);
    if (deep !== undefined) return { ok: false, problem: invalidBody(`${place || "the body"} ${deep}`) };
    const order = readOrder(value, place, { ...defaults, idempotencyKey: keyOf(defaults.idempotencyKey, many, at) });
    if (!order.ok) return { ok: false, problem: invalidBody(order.reason) };
    orders.push(order.value);
  }
  return { ok: true, many, orders };
}

/** Each request of a list has a key of its own, so that the list can be sent again as a whole. */
const keyOf = (key: string | undefined, many: boolean, at: number): string | undefined =>
  key === undefined || !many ? key : `${key}#${at}`;

function readOrder(value: unknown, place: string, defaults: OrderDefaults): Read<Order> {
  const whole = read(anyObject, value, place);
  if (!whole.ok) return whole;
  const { own, asked } = apart(whole.value, orderSchema.shape);
  const body = readNative(asked, place, "default");
  if (!body.ok) return body;
  const order = read(orderSchema, own, place);
  if (!order.ok) return order;
  const { tenant, priority, deadline_ms: deadlineMs } = order.value;
  return {
    ok: true,
    value: {
      body: body.value,
      tenant: tenant ?? defaults.tenant,
      priority: priority ?? "standard",
      replyWanted: defaults.replyWanted || isStreamed(body.value),
      ...(deadlineMs === undefined || deadlineMs === null ? {} : { deadlineMs }),
      ...(defaults.idempotencyKey === undefined ? {} : { idempotencyKey: defaults.idempotencyKey }),
      ...(defaults.traceparent === undefined ? {} : { traceparent: defaults.traceparent }),
    },
  };
}

export const idempotencyKeySchema = idSchema.max(255);
export const waitSchema = z.coerce.number().int().min(0).max(600_000);
