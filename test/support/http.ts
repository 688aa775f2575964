/** The HTTP producer over a test's own fleet, with a simulator as every provider and with workers if wished. */
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { z } from "zod";
import { pointedAt } from "../../producers/cli/simulator-session.ts";
import { type HttpOptions, startHttp, type WholeServer } from "../../producers/http/server.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/simulator.ts";
import { startAll } from "../../workers/all.ts";
import { type FleetWish, openTestFleet } from "./fleet.ts";
import type { TestServices } from "./services.ts";

export interface HttpWish extends FleetWish {
  readonly workers?: boolean;
  readonly simulator?: SimulatorOptions;
  readonly http?: Partial<HttpOptions>;
}

export interface TestHttp {
  readonly fleet: Fleet;
  readonly simulator: Simulator;
  readonly url: string;
  readonly routes: WholeServer["routes"];
  /** Starts workers of every kind; ended with the test, or by what it returns. */
  work(): Promise<(graceMs: number) => Promise<void>>;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** With a JSON body, unless `body` is undefined. */
  send(
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a document
  readonly json: any;
}

/** One server for all tests of a file. What they leave in ledger and simulator is there for the next one. */
export function useHttp(
  services: TestServices,
  wish: HttpWish | ((onEnd: NonNullable<FleetWish["onEnd"]>) => Promise<HttpWish>) = {},
): () => TestHttp {
  const closes: (() => void | Promise<void>)[] = [];
  let opened: TestHttp | undefined;
  beforeAll(async () => {
    const onEnd = (close: () => void | Promise<void>) => void closes.unshift(close);
    opened = await openTestHttp(services, { ...(typeof wish === "function" ? await wish(onEnd) : wish), onEnd });
  });
  afterAll(async () => {
    for (const close of closes) await close();
  });
  return () => {
    if (opened === undefined) throw new Error("the server is there from the first test on, not before");
    return opened;
  };
}

export async function openTestHttp(services: TestServices, wish: HttpWish = {}): Promise<TestHttp> {
  const onEnd = wish.onEnd ?? onTestFinished;
  const simulator = await startSimulator({ outputTokens: { p50: 20, p99: 40 }, ...wish.simulator });
  onEnd(() => simulator.close());
  const fleet = await openTestFleet(services, {
    ...wish,
    environment: { ...pointedAt(simulator, 10_000_000), ...wish.environment },
  });
  const http = await startHttp(fleet, { host: "127.0.0.1", port: 0, ...wish.http });
  onEnd(() => http.close());
  const work = async () => {
    const workers = await startAll(fleet, { onError: () => {} });
    let drained: Promise<void> | undefined;
    const drain = (graceMs: number) => {
      drained ??= workers.drain(graceMs);
      return drained;
    };
    onEnd(() => drain(0));
    return drain;
  };
  if (wish.workers === true) await work();
  const ask = async (path: string, init: RequestInit): Promise<Reply> => {
    const answer = await fetch(`${http.url}${path}`, init);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
  return {
    fleet,
    simulator,
    url: http.url,
    routes: http.routes,
    work,
    get: (path, headers = {}) => ask(path, { headers }),
    send: (method, path, body, headers = {}) =>
      ask(path, {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
  };
}

export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a document
  readonly data: any;
}

/** The events of a text/event-stream body, comments left out. */
export const eventsOf = (body: string): ServerEvent[] =>
  body
    .split("\n\n")
    .filter((block) => block.includes("event: "))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      return { id: field("id"), event: z.string().parse(field("event")), data: JSON.parse(field("data") ?? "null") };
    });
