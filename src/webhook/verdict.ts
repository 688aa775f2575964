/** What an attempt to deliver means: delivered, again later, never again, or nothing more to this receiver. Pure. */

export type PostAnswer =
  | { readonly status: number; readonly retryAfterMs?: number }
  /** No answer came; in words that may be shown to whoever registered the address. */
  | { readonly problem: string };

export interface Verdict {
  readonly state: "delivered" | "pending" | "dead";
  readonly status?: number;
  readonly error?: string;
  /** With `pending`: when to try again. */
  readonly delayMs?: number;
  /** How long the receiver is left alone, whatever else waits for it. */
  readonly quietMs?: number;
  /** The receiver wants nothing more (410). */
  readonly gone?: true;
}

export interface Attempted {
  /** This one is the n-th. */
  readonly attempt: number;
  /** Attempts of any event that failed at this receiver before, one after the other. */
  readonly failures: number;
}

const baseMs = 5_000;
const capMs = 6 * 3_600_000;
/** Waits of 5, 15, 45 s … 3 h and then 6 h each: three days in all, a little less with jitter. */
export const mostAttempts = 20;

export function verdictOf(answer: PostAnswer, { attempt, failures }: Attempted, random: number): Verdict {
  const status = "status" in answer ? answer.status : undefined;
  if (status !== undefined && status >= 200 && status < 300) return { state: "delivered", status };
  const told = { ...(status === undefined ? {} : { status }), error: errorOf(answer) };
  if (status === 410) return { state: "dead", gone: true, ...told };
  const retryAfterMs = Math.min(("retryAfterMs" in answer ? answer.retryAfterMs : undefined) ?? 0, capMs);
  const quietMs = Math.max(retryAfterMs, quietAfterMs(failures + 1));
  if (attempt >= mostAttempts) return { state: "dead", quietMs, ...told };
  return { state: "pending", delayMs: Math.max(retryAfterMs, retryDelayMs(attempt, random)), quietMs, ...told };
}

/** Three times as long after each attempt, up to six hours; `random` in [0, 1) takes up to a quarter away. */
export const retryDelayMs = (attempt: number, random: number): number =>
  Math.min(capMs, baseMs * 3 ** (attempt - 1)) * (1 - random / 4);

/** One event may be the fault; many in a row are the receiver's, and it need not hear of all the others in vain. */
const patientFailures = 5;
const longestQuietMs = 300_000;

export const quietAfterMs = (failures: number): number =>
  failures < patientFailures ? 0 : Math.min(longestQuietMs, baseMs * 2 ** (failures - patientFailures));

function errorOf(answer: PostAnswer): string {
  if ("problem" in answer) return answer.problem;
  const { status } = answer;
  return status >= 300 && status < 400 ? `${status}: redirects are not followed` : `${status}`;
}
