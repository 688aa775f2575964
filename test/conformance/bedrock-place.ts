/** A Bedrock of our own hand that listens, and an adapter that talks to it. Call `useBedrock()` at the top of a file. */
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { bedrock } from "../../src/provider/adapters/bedrock.ts";
import type { Connection, ConnectionSettings } from "../../src/provider/provider.ts";
import { type CallWish, call } from "../support/call.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { whole } from "./bedrock-wire.ts";

export const model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
export const token = "bedrock-api-key-0123456789-WXYZ";
export const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE+KEY";
export const sessionToken = "IQoJb3JpZ2luX2VjEXAMPLETOKEN==";
export const keys = { apiKey: "AKIAEXAMPLE0123456WX", more: { region: "eu-central-1", secretAccessKey, sessionToken } };
/** The bound of the specification: an abort ends the call within this time. */
export const abortMs = 100;

export let server: WireServer;
export let connection: Connection;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

export function useBedrock(): void {
  beforeAll(async () => {
    server = await startWireServer();
    connection = connect({ apiKey: token });
    process.on("unhandledRejection", onUnhandled);
  });
  afterEach(async () => {
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });
  afterAll(async () => {
    process.off("unhandledRejection", onUnhandled);
    await server.stop();
  });
}

export const connect = (settings: ConnectionSettings): Connection =>
  bedrock.connect({ baseUrl: server.url, ...settings });
export const ask = (wish: Partial<CallWish> = {}, at = connection) => call(at, { model, ...wish });
export const failureOf = async (wish: Partial<CallWish> = {}, at = connection) => {
  const seen = await ask(wish, at);
  if (seen.outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(seen.outcome)}`);
  return { ...seen, failure: seen.outcome.failure };
};
export const say = (answer: Parameters<typeof whole>[0], more?: object) => {
  server.answer = () => whole(answer, more);
};
export const lastSent = () => {
  const last = server.requests.at(-1);
  if (last === undefined) throw new Error("nothing arrived");
  return last;
};
export const silent = () => ({ signal: new AbortController().signal, onDelta() {}, onActivity() {} });
