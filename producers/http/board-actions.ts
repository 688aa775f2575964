/**
 * What may be done on the board. A job is an envelope: whatever happens to it, its request stays in the ledger. So the
 * board may pause, resume and throw envelopes away (the reconciler brings those requests back with their priority); it
 * may not make envelopes up, change them, or set limits that are admission's. Pure.
 */
export interface BoardAction {
  readonly method: string;
  /** As Bull Board registers it, such as `/api/queues/:queueName/:jobId/retry`. */
  readonly route: string;
  readonly body: unknown;
}

const queue = "/api/queues/:queueName";

/** Envelopes thrown away here come back; nothing is lost and nothing changes its place. */
const harmless: ReadonlySet<string> = new Set([
  "/api/queues/pause",
  "/api/queues/resume",
  `${queue}/pause`,
  `${queue}/resume`,
  `${queue}/clean/:queueStatus`,
  `${queue}/empty`,
  `${queue}/:jobId/clean`,
]);

const priorityRoute = `${queue}/:jobId/priority`;

const retries =
  "A finished job is not run again: its request ended, or went on under another job. See millrace request show; failed lines of a batch: millrace batch retry --failed.";
const limits =
  "Limits are the fleet's, not a queue's: requestsPerMinute, concurrency and others of the pool in millrace.yaml.";

const reasons: Readonly<Record<string, string>> = {
  [`${queue}/:jobId/retry`]: retries,
  [`${queue}/retry/:queueStatus`]: retries,
  [`${queue}/:jobId/promote`]:
    "Requests that wait for a time wait in the ledger, not here: there is nothing to promote.",
  [`${queue}/promote`]: "Requests that wait for a time wait in the ledger, not here: there is nothing to promote.",
  [`${queue}/add`]:
    "A job without a request in the ledger means nothing. Send the request: POST /v1/requests, or millrace run.",
  [`${queue}/:jobId/update-data`]: "A job only names its request; what is asked is in the ledger and does not change.",
  [`${queue}/concurrency`]: limits,
  [`${queue}/rate-limit`]: limits,
  [`${queue}/rate-limit/release`]: limits,
  [`${queue}/obliterate`]:
    "A lane belongs to the fleet. To stop it: Pause. To drop requests: millrace request cancel, or millrace batch cancel.",
};

/** Why the board refuses this, or undefined when it may be done. Routes that are not known here are refused. */
export function refusalOfAction(action: BoardAction): string | undefined {
  if (action.method.toLowerCase() === "get" || harmless.has(action.route)) return undefined;
  if (action.route === priorityRoute) return refusalOfPriority(action.body);
  return reasons[action.route] ?? "Millrace does not know what this would do to a request, so the board may not do it.";
}

/** 0 would put the job before all others; above 3 there is no class. */
function refusalOfPriority(body: unknown): string | undefined {
  const priority = typeof body === "object" && body !== null && "priority" in body ? body.priority : undefined;
  return priority === 1 || priority === 2 || priority === 3
    ? undefined
    : "A priority is 1 (interactive), 2 (standard) or 3 (bulk).";
}
