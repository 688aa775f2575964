import { z } from "zod";
import type { CallOutcome } from "../request/outcome.ts";
import { answered } from "./call-outcome.ts";
import { jsonOrText } from "./error-answer.ts";
import type { Failing } from "./failing.ts";
import { answerOf } from "./sdk-answer.ts";

/** The outcome of a request that lists models; the list is an array under `field`, or all there is (Together). */
export async function probeOutcome(
  send: () => PromiseLike<Response>,
  field: string,
  fail: Failing,
): Promise<CallOutcome> {
  const answer = await answerOf(async () => {
    const response = await send();
    return { response, body: jsonOrText(await response.text()) };
  });
  if (!answer.ok) return fail.thrown(answer.error);
  const { response, body } = answer.value;
  const isList =
    response.ok && z.union([z.object({ [field]: z.array(z.unknown()) }), z.array(z.unknown())]).safeParse(body).success;
  if (!isList) return fail.refused({ status: response.status, headers: response.headers, body });
  return answered({ text: "models listed" }, { unified: "stop", raw: "" }, {}, fail.sideOf(response.headers));
}
