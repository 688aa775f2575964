/**
 * Lines of a batch against the limits of the API key that brought it. A batch is taken whole, so its lines are not refused:
 * they come in as the key has room, from the first on. A fifth of the limits is left to what else the key does.
 */
import { type KeyGate, type KeyLimits, limitsOf, type Work, workOf } from "../../src/admission/key-limits.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import { keyById } from "../../src/ledger/api-keys.ts";
import type { Hosted } from "../../src/ledger/hosted-batches.ts";

export interface AdmittedLines {
  /** So many, from the first on, may come in. */
  readonly count: number;
  /** Until it is worth asking for the others. */
  readonly waitMs: number;
}

type Keys = Pick<Fleet, "ledger" | "keyGate">;

/** A key that was revoked or has expired since still counts: what was accepted runs, and no faster than before. */
export async function admitLines(keys: Keys, hosted: Hosted, orders: readonly Order[]): Promise<AdmittedLines> {
  const key = hosted.apiKeyId === undefined ? undefined : await keyById(keys.ledger, hosted.apiKeyId);
  const limits = key === undefined ? undefined : limitsOf(key);
  // What comes in after its window only expires.
  if (limits === undefined || hosted.expiresAt.getTime() <= Date.now()) return { count: orders.length, waitMs: 0 };
  return chargeLines(keys.keyGate, limits, orders);
}

/** While Redis is away nothing comes in: what nobody can count is not let through. */
export async function chargeLines(
  gate: Pick<KeyGate, "charge">,
  limits: KeyLimits,
  orders: readonly Order[],
): Promise<AdmittedLines> {
  const share = shareOf(limits);
  const longest = limits.tokensPerMinute ?? Number.POSITIVE_INFINITY;
  const tokens = orders.map(({ body }) => Math.min(longest, workOf([body]).tokens));
  let count = 0;
  while (count < tokens.length) {
    const work = pieceOf(tokens.slice(count), share);
    // A single line that takes more than the share may have the whole limit, and counts as no more than that.
    const bound = work.tokens > (share.tokensPerMinute ?? longest) ? limits : share;
    const verdict = await gate.charge(bound, work).catch(() => undefined);
    if (verdict?.granted !== true) return { count, waitMs: Math.max(leastWaitMs, verdict?.retryAfterMs ?? awayMs) };
    count += work.requests;
  }
  return { count, waitMs: 0 };
}

const leastWaitMs = 1_000;
const awayMs = 2_000;
const lineShare = 0.8;
/** Of the share that is charged at once: less would be asked for too often, more would leave room unused for long. */
const pieceShare = 0.1;

const shareOf = ({ keyId, requestsPerMinute, tokensPerMinute }: KeyLimits): KeyLimits => ({
  keyId,
  requestsPerMinute: partOf(requestsPerMinute, lineShare),
  tokensPerMinute: partOf(tokensPerMinute, lineShare),
});

const partOf = (limit: number | undefined, part: number): number | undefined =>
  limit === undefined ? undefined : Math.max(1, Math.floor(limit * part));

/** Lines that are charged together: one at least. Pure. */
function pieceOf(tokensOfLines: readonly number[], share: KeyLimits): Work {
  const mostRequests = partOf(share.requestsPerMinute, pieceShare) ?? Number.POSITIVE_INFINITY;
  const mostTokens = partOf(share.tokensPerMinute, pieceShare) ?? Number.POSITIVE_INFINITY;
  let work: Work = { requests: 0, tokens: 0 };
  for (const lineTokens of tokensOfLines) {
    const grown = { requests: work.requests + 1, tokens: work.tokens + lineTokens };
    if (work.requests > 0 && (grown.requests > mostRequests || grown.tokens > mostTokens)) break;
    work = grown;
  }
  return work;
}
