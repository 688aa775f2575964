/**
 * Millrace as a library: the same durable queue, limits and ledger as the command line, from your own program.
 *
 * ```ts
 * const millrace = await Millrace.connect({ workers: true });
 * const { text } = await millrace.run({ prompt: "Say hello", priority: "interactive" });
 * await millrace.close();
 * ```
 */
import type { z } from "zod";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import { type RequestView, requestById } from "../../src/ledger/requests.ts";
import { audioOf, type KeptAudio } from "../../src/ledger/result-audio.ts";
import type { Delta } from "../../src/request/delta.ts";
import { isTerminal, type RequestState } from "../../src/request/lifecycle.ts";
import type { Priority } from "../../src/request/priority.ts";
import { type AllWorkers, startAll } from "../../workers/all.ts";
import { type Answer, answerOf } from "./answer.ts";
import { type AnswerStream, streamOf } from "./answer-stream.ts";
import { type Ask, bodyOf } from "./ask.ts";
import { follow, take } from "./asking.ts";
import { type Batch, batchOf } from "./batch.ts";
import { handInLines } from "./batch-hand-in.ts";
import { type BatchFile, type BatchItem, readFile, readItems } from "./batch-items.ts";
import { type EndWaiter, openEndWaiter } from "./ended.ts";
import { type AskFor, isAskFor, type ParsedAnswer, parsedAnswer, plainAsk } from "./parsed.ts";

export interface ConnectOptions {
  /** Folder of `.millrace` and `millrace.yaml`; the current one unless given. */
  readonly directory?: string;
  /** Instead of this process' environment variables. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Also feed, reconcile and call providers in this process, for programs that run without `millrace up` beside them. */
  readonly workers?: boolean;
  /** Told of errors that the workers live through, such as a service that is away for a while. */
  readonly onError?: (error: unknown) => void;
}

export type { Answer, AnswerAudio } from "./answer.ts";
export type { AnswerStream, StreamPiece } from "./answer-stream.ts";
export type { Ask, Asked, Terms } from "./ask.ts";
export type { Batch, BatchAnswer, BatchProgress } from "./batch.ts";
export type { BatchFile, BatchItem } from "./batch-items.ts";
export type { AskFor, ParsedAnswer } from "./parsed.ts";

export type Status =
  | { readonly state: "succeeded"; readonly answer: Answer }
  /** It was answered, and the answer is no longer kept. */
  | { readonly state: "succeeded"; readonly answer: undefined; readonly reason: string }
  | {
      readonly state: Exclude<RequestState, "succeeded">;
      readonly reason: string | undefined;
      /** What the model said, where that was not of the form that was asked for. */
      readonly rejected?: string;
    };

/** The order was not taken: a field is wrong, nobody offers the model, its provider has no key, its key was used before for
 *  something else, the backlog is full. Nothing was stored. */
export class OrderRefused extends Error {
  override readonly name = "OrderRefused";
  /** Set when the same order may be taken later: the backlog is full. */
  readonly retryAfterSeconds: number | undefined;
  constructor(message: string, retryAfterSeconds?: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request ended without an answer, or is held for a person. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly id: string;
  readonly state: RequestState;
  /** What the model said, where that was not of the form that was asked for. */
  readonly rejected: string | undefined;
  constructor(id: string, state: RequestState, reason: string | undefined, rejected?: string) {
    super(`request ${id} ${state === "held" ? "is held" : state}${reason === undefined ? "" : `: ${reason}`}`);
    this.id = id;
    this.state = state;
    this.rejected = rejected;
  }
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Told of the answer as it comes, for which the request is streamed; undefined: it starts over. */
  readonly onDelta?: (delta: Delta | undefined) => void;
}

export interface BatchOptions {
  /** Of items and lines that name none. */
  readonly priority?: Priority;
  readonly model?: string;
  readonly tenant?: string;
  /** Not started after this many milliseconds: it fails then. */
  readonly deadlineMs?: number;
  /** Where the batch comes from, as lists show it; `library` unless given. */
  readonly source?: string;
  /** A new batch, also when the same was handed in before. */
  readonly startOver?: boolean;
}

export class Millrace {
  readonly #fleet: Fleet;
  readonly #waiter: EndWaiter;
  readonly #workers: AllWorkers | undefined;

  private constructor(fleet: Fleet, workers: AllWorkers | undefined) {
    this.#fleet = fleet;
    this.#waiter = openEndWaiter(fleet);
    this.#workers = workers;
  }

  /** Starts the private services unless REDIS_URL and DATABASE_URL name others, migrates and connects. */
  static async connect(options: ConnectOptions = {}): Promise<Millrace> {
    const { directory = process.cwd(), environment, onError = () => {} } = options;
    const fleet = await openFleet({ directory, ...(environment === undefined ? {} : { environment }) });
    return new Millrace(fleet, options.workers === true ? await startAll(fleet, { onError }) : undefined);
  }

  /** Stores a request durably and answers with its id. Throws OrderRefused. */
  async enqueue(ask: Ask): Promise<string> {
    return this.#take(ask, false, false);
  }

  /**
   * Stores a request and waits for its answer. Throws OrderRefused and RequestFailed; an abort leaves the request running.
   * With a zod `schema` the answer is asked for in its form, and `parsed` has it.
   */
  async run<Schema extends z.ZodType>(ask: AskFor<Schema>, options?: RunOptions): Promise<ParsedAnswer<Schema>>;
  async run(ask: Ask, options?: RunOptions): Promise<Answer>;
  async run(ask: Ask, options: RunOptions = {}): Promise<Answer> {
    if (!isAskFor(ask)) return this.#run(ask, options);
    return parsedAnswer(await this.#run(plainAsk(ask), options), ask.schema);
  }

  /** The same, with the answer's pieces as they come. Not iterating to the end leaves the request running. */
  stream<Schema extends z.ZodType>(
    ask: AskFor<Schema>,
    options?: Pick<RunOptions, "signal">,
  ): AnswerStream<ParsedAnswer<Schema>>;
  stream(ask: Ask, options?: Pick<RunOptions, "signal">): AnswerStream<Answer>;
  stream(ask: Ask, options: Pick<RunOptions, "signal"> = {}): AnswerStream<Answer> {
    return streamOf((onDelta) => this.run(ask, { ...options, onDelta }));
  }

  /**
   * Hands many requests in, all of them or none, and answers when they are stored. The same again is the same batch, also when
   * the program was killed on the way. Throws OrderRefused with what is wrong.
   */
  async batch(items: readonly BatchItem[] | BatchFile, options: BatchOptions = {}): Promise<Batch> {
    const { tenant = this.#fleet.config.tenant, priority = "bulk", model, deadlineMs } = options;
    const { source = "library", startOver = false } = options;
    const handing = { tenant, priority, model, deadlineMs };
    const lines =
      "file" in items ? await readFile(this.#fleet, items, handing) : readItems(this.#fleet, items, handing);
    if (!lines.ok) throw new OrderRefused(lines.reason);
    try {
      const handed = await handInLines(this.#fleet, lines.value, handing, { source, startOver });
      if (!handed.ok) throw new OrderRefused(handed.reason, handed.retryAfterSeconds);
      return batchOf(this.#fleet, this.#waiter, handed.id, handed.fresh);
    } finally {
      await lines.value.close();
    }
  }

  async #run(ask: Ask, options: RunOptions): Promise<Answer> {
    const { signal, onDelta } = options;
    const id = await this.#take(ask, true, onDelta !== undefined);
    const request = await follow(this.#fleet, this.#waiter, id, {
      ...(signal === undefined ? {} : { signal }),
      ...(onDelta === undefined ? {} : { onPiece: onDelta }),
    });
    signal?.throwIfAborted();
    const status = await this.#statusOf(request);
    if (status.state !== "succeeded") throw new RequestFailed(id, status.state, status.reason, status.rejected);
    if (status.answer !== undefined) return status.answer;
    throw new RequestFailed(id, status.state, status.reason);
  }

  /** The sound of an answer; undefined when the request has none, or none any more. */
  async audio(id: string): Promise<KeptAudio | undefined> {
    return audioOf(this.#fleet.ledger, id);
  }

  /** How a request stands now, with its answer when it has one; undefined when no request has this id. */
  async result(id: string): Promise<Status | undefined> {
    const request = await requestById(this.#fleet.ledger, id);
    return request === undefined ? undefined : this.#statusOf(request);
  }

  /** True when there was something left to cancel. */
  async cancel(id: string): Promise<boolean> {
    return this.#fleet.cancel(id);
  }

  /** Lets calls in flight finish, hands the rest back, and disconnects. Requests that have not run stay and wait. */
  async close(): Promise<void> {
    this.#waiter.close();
    await this.#workers?.drain(this.#fleet.config.worker.drainGraceMs);
    await this.#fleet.close();
  }

  async #take(ask: Ask, replyWanted: boolean, streamed: boolean): Promise<string> {
    const { priority = "standard", tenant = this.#fleet.config.tenant, deadlineMs, idempotencyKey } = ask;
    const body = bodyOf(ask, streamed);
    if (!body.ok) throw new OrderRefused(body.reason);
    const taken = await take(this.#fleet, {
      body: body.value,
      tenant,
      priority,
      replyWanted,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    if (taken.ok) return taken.id;
    throw new OrderRefused(taken.refusal.message, taken.refusal.retryAfterSeconds);
  }

  async #statusOf(request: RequestView): Promise<Status> {
    const { id, state, result, rejected } = request;
    if (state !== "succeeded") {
      return { state, reason: reasonOf(request), ...(rejected === undefined ? {} : { rejected }) };
    }
    if (result === undefined) return { state, answer: undefined, reason: "its answer is no longer kept" };
    return { state, answer: await answerOf(this.#fleet.ledger, id, result) };
  }
}

const reasonOf = ({ state, failure, holdReason }: RequestView): string | undefined =>
  holdReason ?? (isTerminal(state) && failure !== undefined ? `${failure.kind}: ${failure.message}` : undefined);
