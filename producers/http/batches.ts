/** OpenAI's `/v1/batches`: create, list, look at, cancel. Batches of the command line are among them. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { batchCounts, beginCancelling, cancelBatch, countsOf } from "../../src/ledger/batches.ts";
import { openHosted, type SeenBatch, seenBatch, seenBatches } from "../../src/ledger/hosted-batches.ts";
import type { BatchRunner } from "../batches/batch-runner.ts";
import { openaiBatch, openaiStatus } from "../batches/openai-batch.ts";
import { readCreate } from "../batches/openai-create.ts";
import { batchIdIn, uuidIn } from "../batches/public-id.ts";
import { cancelBatchDoc, createBatchDoc, listBatchesDoc, showBatchDoc } from "./batches-doc.ts";
import { withPatience } from "./errors.ts";
import { badQuery, listJson } from "./files.ts";
import { readIdempotencyKey, usedForAnother } from "./idempotency-key.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";

export function addBatches(app: FastifyInstance, fleet: Fleet, runner: BatchRunner): void {
  app.register(async (scope) => {
    scope.post("/v1/batches", { config: { doc: createBatchDoc } }, async (request, reply) => {
      const read = readCreate(request.body);
      if (!read.ok) return sendProblem(reply, refused(read.complaint));
      const key = readIdempotencyKey(request.headers);
      if (!key.ok) return sendProblem(reply, key.problem);
      const opening = openHosted(fleet.ledger, {
        ...read.asked,
        tenant: request.caller.tenant ?? fleet.config.tenant,
        wire: "openai",
        idempotencyKey: key.key,
        apiKeyId: request.caller.limits?.keyId,
        sentAgain: Number(request.headers["x-stainless-retry-count"] ?? 0) > 0,
      });
      const opened = await withPatience(opening);
      if (!opened.ok) return sendProblem(reply, usedForAnother("batch"));
      runner.wake();
      return jsonOf(fleet, opened.batch);
    });

    scope.get("/v1/batches", { config: { doc: listBatchesDoc(listSchema) } }, async (request, reply) => {
      const query = listSchema.safeParse(request.query);
      if (!query.success) return sendProblem(reply, badQuery(query.error));
      const { after, limit } = query.data;
      const { tenant } = request.caller;
      const found = await withPatience(seenBatches(fleet.ledger, { tenant, wire: undefined, after, limit: limit + 1 }));
      return listJson(await listed(fleet, found.slice(0, limit)), found.length > limit);
    });

    scope.get<ById>("/v1/batches/:id", { config: { doc: showBatchDoc } }, async (request, reply) => {
      const batch = await findSeen(fleet, request);
      return batch === undefined ? sendProblem(reply, noBatch(request.params.id)) : jsonOf(fleet, batch);
    });

    scope.post<ById>("/v1/batches/:id/cancel", { config: { doc: cancelBatchDoc } }, async (request, reply) => {
      const batch = await findSeen(fleet, request);
      if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
      const status = openaiStatus(batch);
      if (status === "completed" || status === "failed" || status === "expired") {
        return sendProblem(reply, ended(status));
      }
      if (batch.hosted !== undefined) await withPatience(beginCancelling(fleet.ledger, batch.id));
      else if (batch.finishedAt === undefined) await withPatience(cancelBatch(fleet.ledger, batch.id));
      runner.wake();
      return jsonOf(fleet, (await findSeen(fleet, request)) ?? batch);
    });
  });
}

const listSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z
    .string()
    .transform((id, context) => {
      const uuid = uuidIn("batch_", id);
      if (uuid === undefined) context.addIssue({ code: "custom", message: "is not the id of a batch" });
      return uuid;
    })
    .optional(),
});

export async function findSeen(fleet: Fleet, request: FastifyRequest<ById>): Promise<SeenBatch | undefined> {
  const id = batchIdIn(request.params.id);
  return id === undefined ? undefined : withPatience(seenBatch(fleet.ledger, id, request.caller.tenant));
}

const listed = async (fleet: Fleet, batches: readonly SeenBatch[]) => {
  const open = batches.filter((batch) => !isCounted(batch)).map(({ id }) => id);
  const counts = await withPatience(countsOf(fleet.ledger, open));
  return batches.map((batch) => openaiBatch(batch, counts.get(batch.id)));
};

async function jsonOf(fleet: Fleet, batch: SeenBatch) {
  return openaiBatch(batch, isCounted(batch) ? undefined : await withPatience(batchCounts(fleet.ledger, batch.id)));
}

/** What is settled is not counted again. */
const isCounted = (batch: SeenBatch): boolean =>
  batch.hosted?.settledAt !== undefined || openaiStatus(batch) === "validating";

const refused = ({ code, message, param }: { code: string; message: string; param: string }): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code,
  message,
  param,
});

export const noBatch = (id: string): Problem => ({
  status: 404,
  type: "invalid_request_error",
  code: null,
  message: `No batch found with id '${id.slice(0, 100)}'.`,
});

const ended = (status: string): Problem => ({
  status: 409,
  type: "invalid_request_error",
  code: null,
  message: `Cannot cancel a batch with status '${status}'.`,
});
