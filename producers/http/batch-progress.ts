/** `GET /v1/batches/:id/progress`: how far a batch is, at what pace and cost, and what limits it; once, or as events. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { isBatchPaused } from "../../src/ledger/batch-pause.ts";
import { type SeenBatch, seenBatch } from "../../src/ledger/hosted-batches.ts";
import { openaiStatus } from "../batches/openai-batch.ts";
import { publicId } from "../batches/public-id.ts";
import { lookAt } from "../cli/commands/batch-look.ts";
import { openPace, type Pace } from "../cli/progress-pace.ts";
import { batchProgressDoc } from "./batch-extras-doc.ts";
import { findSeen, noBatch } from "./batches.ts";
import { withPatience } from "./errors.ts";
import { openEvents } from "./event-writer.ts";
import { goneOf, leaving } from "./leaving.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";

const mostReaders = 100;
const lookEveryMs = 1_000;
const ends = new Set(["completed", "failed", "expired", "cancelled"]);

export function addBatchProgress(app: FastifyInstance, fleet: Fleet, closing: AbortSignal): void {
  let readers = 0;
  app.get<ById>("/v1/batches/:id/progress", { config: { doc: batchProgressDoc } }, async (request, reply) => {
    const batch = await findSeen(fleet, request);
    if (batch === undefined) return sendProblem(reply, noBatch(request.params.id));
    if (request.headers.accept?.includes("text/event-stream") !== true) {
      return withPatience(progressOf(fleet, batch, openPace()));
    }
    if (readers >= mostReaders) return sendProblem(reply, tooMany);
    const gone = goneOf(leaving(reply), closing);
    const events = openEvents(reply, gone);
    readers += 1;
    try {
      events.begin();
      for await (const event of looks(fleet, batch.id, gone)) await events.send(event);
      events.end();
    } catch {
      events.cut();
    } finally {
      readers -= 1;
    }
    return reply;
  });
}

/** `progress` each second or so, and `done` when the batch has ended. */
async function* looks(fleet: Fleet, id: string, gone: AbortSignal) {
  const pace = openPace();
  while (!gone.aborted) {
    const began = performance.now();
    const batch = await seenBatch(fleet.ledger, id);
    if (batch === undefined) return;
    const data = await progressOf(fleet, batch, pace);
    const done = ends.has(data.status);
    yield { event: done ? "done" : "progress", data };
    if (done) return;
    // A look at a large batch costs: looking takes at most a quarter of the time.
    const pauseMs = Math.max(lookEveryMs, 3 * (performance.now() - began));
    await sleep(pauseMs, undefined, { signal: gone }).catch(() => {});
  }
}

async function progressOf(fleet: Fleet, batch: SeenBatch, pace: Pace) {
  const [{ counts, view }, paused] = await Promise.all([
    lookAt(fleet, batch, pace),
    isBatchPaused(fleet.ledger, batch.id),
  ]);
  const { accepted, ...states } = counts;
  return {
    id: publicId("batch_", batch.id),
    object: "batch.progress",
    status: openaiStatus(batch),
    paused,
    total: view.total,
    accepted,
    ...states,
    calls_per_minute: Math.round(view.callsPerMinute),
    tokens_per_minute: Math.round(view.tokensPerMinute),
    /** A text: JSON numbers are not exact. */
    cost_nano_usd: view.costNanoUsd.toString(),
    unpriced_calls: view.unpriced,
    eta_ms: view.etaMs === undefined ? null : Math.round(view.etaMs),
    limited_by: isHeldBack(batch, accepted) ? [keyWords, ...view.limits] : view.limits,
  };
}

/** Lines of it are still to come in, and they come no faster than its key may take them. */
const isHeldBack = ({ hosted, state, total }: SeenBatch, accepted: number): boolean =>
  hosted?.apiKeyId !== undefined && state === "accepting" && accepted < total;

const keyWords = "lines come in as the limits of its API key allow";

const tooMany: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_many_streams",
  message: `This server feeds at most ${mostReaders} readers of progress at once.`,
  retryAfterSeconds: 5,
};
