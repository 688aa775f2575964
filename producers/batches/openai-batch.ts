/** A batch as OpenAI's wire has it. What is absent is null, never left out. Pure. */
import type { BatchCounts } from "../../src/ledger/batches.ts";
import type { Hosted, HostedSummary, SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { publicId } from "./public-id.ts";

export type OpenaiStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** A batch of the command line was judged before it came, and its answers are written by whoever asks for them. */
export function openaiStatus({ state, hosted }: SeenBatch): OpenaiStatus {
  if (hosted?.outcome !== undefined) return hosted.outcome;
  if (state === "accepting")
    return hosted !== undefined && hosted.inProgressAt === undefined ? "validating" : "in_progress";
  if (state === "running") return "in_progress";
  if (state === "completed") return hosted === undefined ? "completed" : "finalizing";
  if (state === "cancelled") return hosted === undefined ? "cancelled" : "cancelling";
  return state;
}

/** `counts`: of a batch that is not settled. */
export function openaiBatch(batch: SeenBatch, counts: BatchCounts | undefined) {
  const { hosted } = batch;
  const status = openaiStatus(batch);
  const summary = hosted?.summary;
  const endedAt = (wanted: OpenaiStatus) =>
    status === wanted ? seconds(hosted === undefined ? batch.finishedAt : hosted.settledAt) : null;
  return {
    id: publicId("batch_", batch.id),
    object: "batch",
    endpoint: hosted?.endpoint ?? "",
    model: summary?.model ?? null,
    errors: hosted === undefined || hosted.errors.length === 0 ? null : { object: "list", data: hosted.errors },
    input_file_id: hosted?.wire === "openai" ? hosted.inputFile : "",
    completion_window: hosted?.completionWindow ?? "",
    status,
    output_file_id: fileId(hosted?.outputFileId),
    error_file_id: fileId(hosted?.errorFileId),
    created_at: seconds(batch.createdAt),
    in_progress_at: hosted === undefined ? seconds(batch.createdAt) : seconds(hosted.inProgressAt),
    expires_at: seconds(hosted?.expiresAt),
    finalizing_at: seconds(hosted?.finalizingAt),
    completed_at: endedAt("completed"),
    failed_at: endedAt("failed"),
    expired_at: endedAt("expired"),
    cancelling_at: seconds(hosted?.cancellingAt),
    cancelled_at: endedAt("cancelled"),
    request_counts: requestCounts(batch, status, summary ?? counts),
    usage: usageOf(summary),
    metadata: hosted?.metadata ?? null,
  };
}

/** OpenAI counts nothing before the file is known to be good. */
function requestCounts(
  batch: SeenBatch,
  status: OpenaiStatus,
  counts: Pick<BatchCounts, "succeeded" | "failed"> | HostedSummary | undefined,
) {
  if (status === "validating" || status === "failed" || counts === undefined) {
    return { total: 0, completed: 0, failed: 0 };
  }
  const total = "total" in counts ? counts.total : batch.total;
  return { total, completed: counts.succeeded, failed: counts.failed };
}

function usageOf(summary: Hosted["summary"]) {
  const used = summary?.usage;
  if (used === undefined || used === null) return null;
  return {
    input_tokens: used.input,
    input_tokens_details: { cached_tokens: used.cached },
    output_tokens: used.output,
    output_tokens_details: { reasoning_tokens: used.reasoning },
    total_tokens: used.input + used.output,
  };
}

const fileId = (id: string | undefined): string | null => (id === undefined ? null : publicId("file-", id));

const seconds = (date: Date | undefined): number | null =>
  date === undefined ? null : Math.floor(date.getTime() / 1000);
