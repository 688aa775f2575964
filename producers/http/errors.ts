/** Thrown errors, worded: what fastify refuses before a handler runs, services that are away, and bugs of ours. */
import type { FastifyError } from "fastify";
import { awayWords } from "../cli/patience.ts";
import { ledgerAway, type Problem } from "./problem.ts";

/** A ledger that does not answer within this is away, as far as an HTTP caller is concerned. */
const patienceMs = 5_000;

export class LedgerSilent extends Error {
  override readonly name = "LedgerSilent";
}

/** `work`, or LedgerSilent when it takes too long. The work itself goes on: it may still be accepted. */
export async function withPatience<Value>(work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LedgerSilent("the ledger did not answer in time")), patienceMs);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}

export function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof LedgerSilent || awayWords(error) !== undefined) return ledgerAway;
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
  if (status < 400 || status >= 500) {
    return { status: 500, type: "internal_error", code: "internal", message: "A bug of ours; the log has more." };
  }
  return { status, type: "invalid_request_error", code: codeNames[status] ?? "bad_request", message: error.message };
}

const codeNames: Readonly<Record<number, string>> = {
  400: "invalid_json",
  413: "too_long",
  415: "unsupported_media_type",
};
