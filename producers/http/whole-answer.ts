/** Waits for the answer of an attended request and sends it in one piece, in the client's own wire. */
import type { FastifyReply } from "fastify";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import type { Attended } from "./attended.ts";
import { sendProblem } from "./problem.ts";

/** `send` is called once, when there is an answer. */
export async function wholeAnswer(
  { end, gone }: Attended,
  reply: FastifyReply,
  send: (result: Result, usage: Usage) => unknown,
): Promise<unknown> {
  const ended = await end;
  if (gone.aborted) return reply;
  return ended.ok ? send(ended.result, ended.usage) : sendProblem(reply, ended.problem);
}
