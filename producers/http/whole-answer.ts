/** Waits for the answer of an attended request and sends it in one piece, in the client's own wire. */
import type { FastifyReply } from "fastify";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import type { Attended } from "./attended.ts";
import { problemOfEnd, rowGone } from "./ended-problem.ts";
import { sendProblem } from "./problem.ts";
import { usageOf } from "./stream-answer.ts";

/** `send` is called once, when there is an answer. */
export async function wholeAnswer(
  ledger: Ledger,
  { id, ended, gone }: Attended,
  reply: FastifyReply,
  send: (result: Result, usage: Usage) => unknown,
): Promise<unknown> {
  const end = await ended;
  if (gone.aborted) return reply;
  const problem = end === undefined ? rowGone(id) : problemOfEnd(end);
  if (problem !== undefined) return sendProblem(reply, problem);
  return end?.result === undefined ? sendProblem(reply, rowGone(id)) : send(end.result, await usageOf(ledger, end));
}
