/** Requests through a running fleet: handed in, waited for, counted. */
import { onTestFinished } from "vitest";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import { type AttemptView, attemptsOf, type RequestView, requestById } from "../../src/ledger/requests.ts";
import { promptBody } from "../../src/request/body.ts";
import { isTerminal, type RequestState } from "../../src/request/lifecycle.ts";
import { startAll } from "../../workers/all.ts";
import { type ProviderWorker, startProviderWorker } from "../../workers/provider-worker.ts";
import { eventually } from "./eventually.ts";
import type { TestProvider } from "./provider.ts";

export type Providers = Readonly<Record<string, TestProvider>>;

const connectionsOf = (providers: Providers) =>
  new Map(Object.entries(providers).map(([id, provider]) => [id, provider.connection]));

/** What went wrong without failing a request; a test that expects nothing asserts that it is empty. */
export type Errors = unknown[];

/** Feeder, reconciler and a worker for these providers; drained when the test ends. */
export async function startWork(fleet: Fleet, providers: Providers, errors: Errors = []): Promise<void> {
  const all = await startAll(fleet, { onError: (error) => errors.push(error), connections: connectionsOf(providers) });
  onTestFinished(() => all.drain(0));
}

/** One more worker for these providers; drained when the test ends, if not before. */
export function startWorker(fleet: Fleet, providers: Providers, errors: Errors = []): ProviderWorker {
  const worker = startProviderWorker(fleet, {
    providers: Object.keys(providers),
    connections: connectionsOf(providers),
    onError: (error) => errors.push(error),
  });
  let drained: Promise<void> | undefined;
  const drain = (graceMs: number) => {
    drained ??= worker.drain(graceMs);
    return drained;
  };
  onTestFinished(() => drain(0));
  return { ...worker, drain };
}

export const haiku = "claude-haiku-4-5";

/** Hands in one request for each prompt; their ids in order. */
export async function handIn(
  fleet: Fleet,
  prompts: readonly string[],
  more: Partial<Omit<Order, "body">> & { readonly model?: string; readonly stream?: boolean } = {},
): Promise<string[]> {
  const { model = haiku, stream, ...rest } = more;
  const orders = prompts.map(
    (prompt): Order => ({
      tenant: "t",
      priority: "standard",
      body: { ...promptBody(model, prompt), ...(stream === undefined ? {} : { stream }) },
      ...rest,
    }),
  );
  const accepted = await fleet.intake.accept(orders);
  return accepted.map((entry) => {
    if (!entry.ok) throw new Error(entry.refusal.message);
    return entry.id;
  });
}

export const prompts = (count: number, word = "prompt"): string[] =>
  Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);

/** The request once it is in one of these states. */
export const inState = (fleet: Fleet, id: string, ...states: readonly RequestState[]): Promise<RequestView> =>
  eventually(`${id} is ${states.join(" or ")}`, async () => {
    const view = await requestById(fleet.ledger, id);
    return view !== undefined && states.includes(view.state) ? view : undefined;
  });

export const ended = (fleet: Fleet, id: string): Promise<RequestView> =>
  inState(fleet, id, "succeeded", "failed", "cancelled");

/** How many requests there are in each state. */
export async function states(fleet: Fleet): Promise<Readonly<Partial<Record<RequestState, number>>>> {
  const rows = await fleet.ledger.sql<{ state: RequestState; n: number }[]>`
    select state, count(*)::int as n from requests group by state`;
  return Object.fromEntries(rows.map((row) => [row.state, row.n]));
}

/** The states once every request has ended. */
export const allEnded = (fleet: Fleet, withinMs = 30_000): Promise<Readonly<Partial<Record<RequestState, number>>>> =>
  eventually(
    "every request has ended",
    async () => {
      const now = await states(fleet);
      return Object.keys(now).every((state) => isTerminal(state as RequestState)) ? now : undefined;
    },
    withinMs,
  );

export const callsOf = (fleet: Fleet, id: string): Promise<AttemptView[]> => attemptsOf(fleet.ledger, id);
