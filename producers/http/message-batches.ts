/** Anthropic's `/v1/messages/batches`: create, list, look at, cancel, delete, results. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { beginCancelling } from "../../src/ledger/batches.ts";
import {
  deleteHosted,
  type NewHosted,
  openHosted,
  type SeenBatch,
  seenBatch,
  seenBatches,
} from "../../src/ledger/hosted-batches.ts";
import { anthropicBatch } from "../batches/anthropic-batch.ts";
import { keptSeconds } from "../batches/kept-seconds.ts";
import { publicId, uuidIn } from "../batches/public-id.ts";
import { BodyTooLong, type TakenRequests, takeRequests } from "../batches/take-requests.ts";
import { finishedAnswers } from "../jsonl/results.ts";
import type { BatchParts } from "./batch-extras.ts";
import { textsOf } from "./batch-texts.ts";
import { withPatience } from "./errors.ts";
import { badQuery } from "./files.ts";
import { readIdempotencyKey, usedForAnother } from "./idempotency-key.ts";
import { invalidBody } from "./invalid-body.ts";
import {
  cancelMessageBatchDoc,
  createMessageBatchDoc,
  deleteMessageBatchDoc,
  listMessageBatchesDoc,
  messageResultsDoc,
  showMessageBatchDoc,
} from "./message-batches-doc.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";

const wire = "anthropic";
/** Anthropic's. */
const mostBytes = 256 * 1024 * 1024;
const mostRequests = 100_000;
const windowMs = 86_400_000;

export function addMessageBatches(app: FastifyInstance, { fleet, files, runner }: BatchParts): void {
  const path = "/v1/messages/batches";
  app.register(async (scope) => {
    // The body is taken piece by piece; without this it would be parsed whole.
    scope.removeContentTypeParser("application/json");
    scope.addContentTypeParser("application/json", (_request, payload, done) => done(null, payload));
    scope.post(path, { config: { wire, streamsBody: true, doc: createMessageBatchDoc } }, create);
  });

  async function create(request: FastifyRequest, reply: FastifyReply) {
    const key = readIdempotencyKey(request.headers);
    if (!key.ok) return sendProblem(reply, key.problem);
    if (!(request.body instanceof Readable)) return sendProblem(reply, invalidBody("the body is missing"));
    const rules = { config: fleet.config, mostBytes, mostRequests };
    const taken = await takeRequests(request.body, files, rules).catch(orTooLong);
    if (taken === "tooLong") return sendProblem(reply, tooLong);
    if (!taken.ok) return sendProblem(reply, invalidBody(taken.reason));
    const sentAgain = Number(request.headers["x-stainless-retry-count"] ?? 0) > 0;
    const tenant = request.caller.tenant ?? fleet.config.tenant;
    const apiKeyId = request.caller.limits?.keyId;
    const opened = await withPatience(open(taken.value, { tenant, idempotencyKey: key.key, apiKeyId, sentAgain }));
    if (!opened.ok) return sendProblem(reply, usedForAnother("batch"));
    runner.wake();
    return shown(opened.batch, request);
  }

  /** With its file, in one commit. Of a batch that was there before it is not needed; what no row tells of is swept. */
  async function open(
    { stored, lines }: TakenRequests,
    terms: Pick<NewHosted, "tenant" | "idempotencyKey" | "apiKeyId" | "sentAgain">,
  ) {
    const { tenant } = terms;
    const file = { ...stored, id: stored.name, tenant, purpose: "message_batch", filename: "requests.jsonl" };
    const opened = await openHosted(fleet.ledger, {
      ...terms,
      file: { ...file, expiresSeconds: keptSeconds },
      wire,
      endpoint: "/v1/messages",
      completionWindow: "24h",
      windowMs,
      metadata: undefined,
      inputFile: publicId("file-", stored.name),
      outputExpiresSeconds: undefined,
      fingerprint: `anthropic ${stored.sha256}`,
      checkedLines: lines,
    });
    if (!opened.ok || !opened.fresh) await files.remove(stored.name);
    return opened;
  }

  app.get(path, { config: { wire, doc: listMessageBatchesDoc(listSchema) } }, async (request, reply) => {
    const query = listSchema.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    const { before_id: before, after_id: after, limit } = query.data;
    const { tenant } = request.caller;
    const found = await withPatience(
      seenBatches(fleet.ledger, { tenant, wire, after: idIn(after), before: idIn(before), limit: limit + 1 }),
    );
    const page = found.slice(0, limit);
    const data = (before === undefined ? page : page.reverse()).map((batch) => shown(batch, request));
    return {
      data,
      has_more: found.length > limit,
      first_id: page[0] === undefined ? null : publicId("msgbatch_", page[0].id),
      last_id: page.at(-1) === undefined ? null : publicId("msgbatch_", page.at(-1)?.id ?? ""),
    };
  });

  app.get<ById>(`${path}/:id`, { config: { wire, doc: showMessageBatchDoc } }, async (request, reply) => {
    const batch = await find(request);
    return batch === undefined ? sendProblem(reply, noBatch(request.params.id)) : shown(batch, request);
  });

  app.post<ById>(`${path}/:id/cancel`, { config: { wire, doc: cancelMessageBatchDoc } }, async (request, reply) => {
    const batch = await find(request);
    if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
    if (batch.hosted?.settledAt !== undefined) return sendProblem(reply, hasEnded);
    await withPatience(beginCancelling(fleet.ledger, batch.id));
    runner.wake();
    return shown((await find(request)) ?? batch, request);
  });

  app.delete<ById>(`${path}/:id`, { config: { wire, doc: deleteMessageBatchDoc } }, async (request, reply) => {
    const batch = await find(request);
    if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
    if (!(await withPatience(deleteHosted(fleet.ledger, batch.id)))) return sendProblem(reply, hasNotEnded);
    return { id: publicId("msgbatch_", batch.id), type: "message_batch_deleted" };
  });

  app.get<ById>(`${path}/:id/results`, { config: { wire, doc: messageResultsDoc } }, async (request, reply) => {
    const batch = await find(request);
    if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
    if (batch.hosted?.settledAt === undefined) return sendProblem(reply, hasNotEnded);
    const pages = finishedAnswers(fleet.ledger, batch.id, "finished");
    return reply.type("application/x-jsonl").send(Readable.from(textsOf(pages)));
  });

  async function find(request: FastifyRequest<ById>): Promise<SeenBatch | undefined> {
    const id = idIn(request.params.id);
    const batch = id === undefined ? undefined : await withPatience(seenBatch(fleet.ledger, id, request.caller.tenant));
    return batch?.hosted?.wire === wire ? batch : undefined;
  }
}

const orTooLong = (error: unknown): "tooLong" => {
  if (error instanceof BodyTooLong) return "tooLong";
  throw error;
};

const idIn = (id: string | undefined): string | undefined => (id === undefined ? undefined : uuidIn("msgbatch_", id));

/** Results are fetched where the batch was asked for. */
const shown = (batch: SeenBatch, { protocol, host }: FastifyRequest) => anthropicBatch(batch, `${protocol}://${host}`);

const batchId = z.string().refine((id) => idIn(id) !== undefined, "is not the id of a message batch");
const listSchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(20),
  before_id: batchId.optional(),
  after_id: batchId.optional(),
});

const noBatch = (id: string): Problem => ({
  status: 404,
  type: "not_found_error",
  code: "batch_not_found",
  message: `No message batch has the id ${JSON.stringify(id.slice(0, 100))}.`,
});

const hasEnded: Problem = {
  status: 409,
  type: "conflict_error",
  code: "already_finished",
  message: "The message batch has ended; there is nothing to cancel.",
};
const hasNotEnded: Problem = {
  status: 409,
  type: "conflict_error",
  code: "not_finished",
  message: "The message batch has not ended yet.",
};
const tooLong: Problem = {
  status: 413,
  type: "invalid_request_error",
  code: "too_long",
  message: `A message batch is at most ${mostBytes / 1024 / 1024} MB.`,
};
