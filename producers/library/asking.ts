/** One request from its order to its end: what `millrace run`, `provider test` and the library share. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import { type RequestView, requestById } from "../../src/ledger/requests.ts";
import type { Delta } from "../../src/request/delta.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { EndWaiter } from "./ended.ts";
import { type Taken, takenOf } from "./taken.ts";

/** Accepts one order. Rejects when the ledger is away. */
export async function take(fleet: Fleet, order: Order): Promise<Taken> {
  const [accepted] = await fleet.intake.accept([order]);
  return takenOf(fleet, order, accepted);
}

export interface Following {
  readonly signal?: AbortSignal;
  /** Told of the answer as it comes (for orders with `body.stream`); undefined: it starts over. */
  readonly onPiece?: (delta: Delta | undefined) => void;
}

/** Waits until the request has ended, is held for a person, or `signal` aborts; answers how it stands then. */
export async function follow(
  fleet: Fleet,
  waiter: EndWaiter,
  id: string,
  { signal, onPiece }: Following = {},
): Promise<RequestView> {
  const over = new AbortController();
  const reading = onPiece === undefined ? undefined : readPieces(fleet, id, onPiece, over.signal);
  try {
    return await untilSettled(fleet, waiter, id, signal);
  } finally {
    over.abort();
    await reading;
  }
}

async function untilSettled(
  fleet: Fleet,
  waiter: EndWaiter,
  id: string,
  signal: AbortSignal | undefined,
): Promise<RequestView> {
  for (;;) {
    const request = (await waiter.ended(id, lookMs, signal)) ?? (await requestById(fleet.ledger, id));
    if (request === undefined) throw new Error(`follow: request ${id} is gone`);
    if (isTerminal(request.state) || request.state === "held" || signal?.aborted === true) return request;
  }
}

const lookMs = 5_000;

async function readPieces(
  fleet: Fleet,
  id: string,
  onPiece: NonNullable<Following["onPiece"]>,
  over: AbortSignal,
): Promise<void> {
  for await (const { said } of fleet.streams.pieces(id, "0", over)) {
    if (said !== "end") onPiece(said === "begin" ? undefined : said);
  }
}
