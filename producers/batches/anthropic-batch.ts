/** A message batch as Anthropic's wire has it: all of its requests are `processing` until the whole of it has ended. Pure. */
import type { SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { publicId } from "./public-id.ts";

/** `base`: where the caller reached the server, such as `http://127.0.0.1:8787`. Undefined for batches of other wires. */
export function anthropicBatch({ id, createdAt, hosted }: SeenBatch, base: string): object | undefined {
  if (hosted?.wire !== "anthropic") return undefined;
  const { summary, settledAt, cancellingAt, checkedLines = 0 } = hosted;
  const name = publicId("msgbatch_", id);
  const { succeeded = 0, failed = 0, cancelled = 0, expired = 0 } = summary ?? {};
  const isEnded = settledAt !== undefined;
  return {
    id: name,
    type: "message_batch",
    processing_status: isEnded ? "ended" : cancellingAt === undefined ? "in_progress" : "canceling",
    request_counts: {
      processing: isEnded ? 0 : checkedLines,
      succeeded,
      // Of one that could not be taken in nothing was asked.
      errored: hosted.outcome === "failed" ? checkedLines : failed - expired,
      canceled: cancelled,
      expired,
    },
    created_at: createdAt.toISOString(),
    expires_at: hosted.expiresAt.toISOString(),
    ended_at: settledAt?.toISOString() ?? null,
    cancel_initiated_at: cancellingAt?.toISOString() ?? null,
    archived_at: null,
    results_url: isEnded ? `${base}/v1/messages/batches/${name}/results` : null,
  };
}
