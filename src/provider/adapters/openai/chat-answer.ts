import { z } from "zod";
import type { CallOutcome } from "../../../request/outcome.ts";
import { answered } from "../../call-outcome.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf } from "../../sdk-answer.ts";
import { chatBody } from "./chat-body.ts";
import { sideOf } from "./failure.ts";
import { breakOf, finishOf } from "./finish.ts";
import { type Line, sendOptions } from "./line.ts";
import { partsOf, saidIn, saidSchema } from "./said.ts";
import { soundOf } from "./sound.ts";
import { collectToolCalls, readCalls } from "./tool-calls.ts";
import { chatUsage, chatUsageSchema } from "./usage.ts";

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        message: saidSchema,
        finish_reason: z.string().nullish(),
        /** OpenRouter: what went wrong at the provider behind it. */
        error: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .min(1),
  usage: chatUsageSchema,
});

/** One chat completion, whole. */
export async function callWhole(line: Line, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const { client, dialect, credential } = line;
  const sent = { ...sendOptions(input, credential, io.signal), body: chatBody(input, dialect) };
  const answer = await answerOf(() => client.post<unknown>("/chat/completions", sent).withResponse());
  if (!answer.ok) return fail.thrown(answer.error);
  const { data, response } = answer.value;
  const completion = completionSchema.safeParse(data);
  const [choice] = completion.data?.choices ?? [];
  if (choice === undefined) return fail.refused({ status: response.status, body: data, headers: response.headers });
  const usage = chatUsage(completion.data?.usage, dialect);
  const side = { ...sideOf(response.headers), usage };
  if (choice.error) return fail.refused({ body: choice, headers: response.headers }, side);
  const broken = breakOf(choice.finish_reason);
  if (broken) return fail.because({ kind: broken, message: `the answer ended with ${choice.finish_reason}` }, side);
  const collected = collectToolCalls();
  collected.take(choice.message.tool_calls?.map((call, index) => ({ ...call, index })));
  const calls = readCalls(collected.written());
  if (!calls.ok) return fail.because({ kind: "server", message: calls.message }, side);
  const said = saidIn(choice.message);
  const { provider } = dialect;
  return answered(
    {
      text: said.text,
      ...partsOf(said.text, said.reasoning, calls.parts, provider),
      ...soundOf(said.audio === "" ? [] : [said.audio], input.body, provider),
    },
    finishOf(choice.finish_reason, { refusal: said.refused, calls: calls.parts.length > 0 }),
    usage,
    side,
  );
}
