/** What an error of Gemini's means, at Google's API and at Vertex. */
import { z } from "zod";
import type { Failure, FailureKind } from "../../../request/failure.ts";
import { known } from "../../../runtime/known.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../../error-answer.ts";
import { durationMs, retryAfterMs, waitInMessage } from "../../retry-after.ts";

const detailSchema = z.object({
  reason: z.string().optional(),
  retryDelay: z.string().optional(),
  violations: z.array(z.object({ quotaId: z.string().optional(), quotaValue: z.string().optional() })).optional(),
});
const errorSchema = z.object({
  code: z.number().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z.array(detailSchema.catch({})).optional().catch(undefined),
});
const envelope = z.object({ error: errorSchema });
/** Vertex puts the error of a stream into a list. */
const errorBodySchema = z.union([envelope, z.tuple([envelope]).transform(([only]) => only)]).catch({ error: {} });

/** What an error of Gemini's means. Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { error } = errorBodySchema.parse(answer.body);
  const isHttpError = answer.status !== undefined && answer.status >= 400;
  const status = isHttpError ? answer.status : (error.code ?? answer.status);
  const details = error.details ?? [];
  const words = error.message ?? "";
  const quotas = details.flatMap(({ violations }) => violations ?? []);
  const reason = details.map((detail) => detail.reason).find((found) => found !== undefined);
  const delay = details.map(({ retryDelay }) => durationMs(retryDelay ?? "")).find((found) => found !== undefined);
  const wait = retryAfterMs(answer.headers, nowMs) ?? delay ?? waitInMessage(words);
  return {
    kind: status === 429 ? quotaKind(quotas, words, error.status) : kindOf(status, reason, words),
    message: error.message ?? bareMessage(answer),
    ...known({ status, code: quotas[0]?.quotaId ?? reason ?? error.status, retryAfterMs: wait }),
  };
}

type Quota = { readonly quotaId?: string | undefined; readonly quotaValue?: string | undefined };

function quotaKind(quotas: readonly Quota[], words: string, code: string | undefined): FailureKind {
  // A quota of zero never passes, whatever the retry hint says.
  if (/\blimit: 0\b/.test(words) || quotas.some(({ quotaValue }) => quotaValue === "0")) return "quotaHard";
  if (/credits are depleted/i.test(words)) return "quotaHard";
  const isDaily = code === "quota_exceeded" || quotas.some(({ quotaId }) => /PerDay/i.test(quotaId ?? ""));
  return isDaily ? "quotaDay" : "rate";
}

function kindOf(status: number | undefined, reason: string | undefined, words: string): FailureKind {
  // A wrong key is a 400 here; so is a country without service, and one where only paying accounts have it.
  if (reason?.startsWith("API_KEY") || /api key (?:not valid|expired)/i.test(words)) return "auth";
  if (status === 400 && /enable billing/i.test(words)) return "quotaHard";
  if (status === 400 && /location is not supported/i.test(words)) return "auth";
  return kindOfStatus(status);
}
