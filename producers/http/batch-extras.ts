/**
 * What batches have beyond OpenAI's wire: answers while they run, progress, another try for what failed, a pause, and an
 * estimate of what a file would take. They hold for batches of the command line too.
 */
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { pauseBatch, resumeBatch } from "../../src/ledger/batch-pause.ts";
import { batchCounts, retryFailed } from "../../src/ledger/batches.ts";
import { fileById } from "../../src/ledger/files.ts";
import { seenBatch } from "../../src/ledger/hosted-batches.ts";
import type { BatchRunner } from "../batches/batch-runner.ts";
import type { FileStore } from "../batches/file-store.ts";
import { judgeOpenaiLine } from "../batches/openai-input.ts";
import { publicId, uuidIn } from "../batches/public-id.ts";
import { answersAsTheyCome } from "../jsonl/coming-answers.ts";
import { estimateInput, estimateJson } from "../jsonl/estimate.ts";
import { openInput } from "../jsonl/input.ts";
import { type LineUrl, urls } from "../jsonl/openai-line.ts";
import { finishedAnswers } from "../jsonl/results.ts";
import { batchResultsDoc, estimateBatchDoc, pauseBatchDoc, resumeBatchDoc, retryBatchDoc } from "./batch-extras-doc.ts";
import { addBatchProgress } from "./batch-progress.ts";
import { textsOf } from "./batch-texts.ts";
import { findSeen, noBatch } from "./batches.ts";
import { withPatience } from "./errors.ts";
import { badQuery, noFile } from "./files.ts";
import { goneOf, leaving } from "./leaving.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";

export interface BatchParts {
  readonly fleet: Fleet;
  readonly files: FileStore;
  readonly runner: BatchRunner;
  readonly closing: AbortSignal;
}

/** Each looks for more answers twice a second. */
export const mostFollowers = 100;

export function addBatchExtras(app: FastifyInstance, { fleet, files, runner, closing }: BatchParts): void {
  app.register(async (scope) => {
    addBatchProgress(scope, fleet, closing);
    let followers = 0;
    /** No line of the batch is still to get an end. */
    const isOver = async (id: string): Promise<boolean> => {
      const now = await seenBatch(fleet.ledger, id);
      const endedAt = now?.hosted === undefined ? now?.finishedAt : now.hosted.settledAt;
      return now === undefined || endedAt !== undefined;
    };

    scope.get<ById>(
      "/v1/batches/:id/results",
      { config: { doc: batchResultsDoc(resultsShape) } },
      async (request, reply) => {
        const query = resultsSchema.safeParse(request.query);
        if (!query.success) return sendProblem(reply, badQuery(query.error));
        const batch = await findSeen(fleet, request);
        if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
        const { after_line: from, status, follow } = query.data;
        const follows = follow === "true";
        if (follows && followers >= mostFollowers) return sendProblem(reply, tooManyFollowers);
        const gone = goneOf(leaving(reply), closing);
        const pages = follows
          ? answersAsTheyCome(fleet.ledger, batch.id, gone, from, () => isOver(batch.id))
          : finishedAnswers(fleet.ledger, batch.id, status ?? "finished", from);
        const texts = Readable.from(textsOf(pages));
        if (follows) {
          followers += 1;
          texts.once("close", () => {
            followers -= 1;
          });
        }
        return reply.type("application/x-ndjson; charset=utf-8").send(texts);
      },
    );

    scope.post<ById>("/v1/batches/:id/retry", { config: { doc: retryBatchDoc } }, async (request, reply) => {
      const batch = await findSeen(fleet, request);
      if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
      const retried = await retryFailed(fleet.ledger, batch.id);
      fleet.bell.ring(["*"]);
      runner.wake();
      const { failed } = await withPatience(batchCounts(fleet.ledger, batch.id));
      return { id: publicId("batch_", batch.id), object: "batch.retry", retried, failed };
    });

    scope.post<ById>("/v1/batches/:id/pause", { config: { doc: pauseBatchDoc } }, async (request, reply) => {
      const batch = await findSeen(fleet, request);
      if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
      if (!(await pauseBatch(fleet.ledger, batch.id))) return sendProblem(reply, ended);
      return { id: publicId("batch_", batch.id), object: "batch.pause", paused: true };
    });

    scope.post<ById>("/v1/batches/:id/resume", { config: { doc: resumeBatchDoc } }, async (request, reply) => {
      const batch = await findSeen(fleet, request);
      if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
      const resumed = await resumeBatch(fleet.ledger, batch.id);
      fleet.bell.ring(["*"]);
      runner.wake();
      return { id: publicId("batch_", batch.id), object: "batch.pause", paused: false, resumed };
    });

    const estimateOf = async (path: string, endpoint: LineUrl) => {
      const opened = await openInput(path);
      if (!opened.ok) return undefined;
      try {
        return await estimateInput(opened.input, fleet.config, (line) => {
          const judged = judgeOpenaiLine(line, endpoint);
          return judged.ok ? { ok: true, value: judged.value.body } : { ok: false, reason: judged.error.message };
        });
      } finally {
        await opened.input.close();
      }
    };
    let estimating = false;
    scope.post(
      "/v1/batches/estimate",
      { config: { doc: estimateBatchDoc(estimateSchema) } },
      async (request, reply) => {
        const asked = estimateSchema.safeParse(request.body ?? {});
        if (!asked.success) return sendProblem(reply, badQuery(asked.error));
        const { input_file_id: input, endpoint } = asked.data;
        const id = uuidIn("file-", input);
        const file =
          id === undefined ? undefined : await withPatience(fileById(fleet.ledger, id, request.caller.tenant));
        if (file === undefined) return sendProblem(reply, noFile(input));
        // Each reads and weighs a whole file.
        if (estimating) return sendProblem(reply, busy);
        estimating = true;
        try {
          const estimate = await estimateOf(files.path(file.name), endpoint);
          if (estimate === undefined) return sendProblem(reply, noFile(input));
          return { object: "batch.estimate", input_file_id: input, endpoint, ...estimateJson(estimate) };
        } finally {
          estimating = false;
        }
      },
    );
  });
}

const resultsShape = z.object({
  after_line: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
  status: z.enum(["succeeded", "failed"]).optional(),
  follow: z.enum(["true", "false"]).default("false"),
});
const resultsSchema = resultsShape.refine(({ status, follow }) => status === undefined || follow === "false", {
  error: "status and follow do not go together",
  path: ["follow"],
});

const estimateSchema = z.object({
  input_file_id: z.string().min(1).max(200),
  endpoint: z.enum(urls).default(urls[0]),
});

const ended: Problem = {
  status: 409,
  type: "conflict_error",
  code: "already_finished",
  message: "The batch has ended, or is being cancelled; there is nothing to pause.",
};

const tooManyFollowers: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_many_streams",
  message: `This server feeds at most ${mostFollowers} readers that follow answers at once.`,
  retryAfterSeconds: 5,
};

const busy: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "busy",
  message: "Another file is being estimated; one at a time.",
  retryAfterSeconds: 2,
};
