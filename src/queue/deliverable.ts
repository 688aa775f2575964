import type { Queue } from "bullmq";

/** Above what any worker counts in its own limiter (consume.ts), and below what `queue.rateLimit` sets. */
const closedByLimit = 1_000_000_000;

/** Jobs that a free worker would be given now: none while the queue is paused or closed for a limit. */
export async function deliverableJobs(queue: Queue): Promise<number> {
  const [isPaused, closedForMs, counts] = await Promise.all([
    queue.isPaused(),
    queue.getRateLimitTtl(closedByLimit),
    queue.getJobCounts("wait", "prioritized"),
  ]);
  return isPaused || closedForMs > 0 ? 0 : (counts["wait"] ?? 0) + (counts["prioritized"] ?? 0);
}
