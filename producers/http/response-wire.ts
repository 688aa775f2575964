/** How a streamed response is told: every event by its type, and an error that the official clients raise. */
import type { ResponseError } from "../wire/openai-response.ts";
import type { ResponseEvent, ResponseEvents } from "../wire/openai-response-events.ts";
import type { ServerEvent } from "./event-writer.ts";
import { type Problem, problemJson } from "./problem.ts";
import type { AnswerWire } from "./stream-answer.ts";

/** Events up to the number `after` are made and not told, but for the last one. */
export function responseWire(events: ResponseEvents, after = -1): AnswerWire {
  const later = (made: readonly ResponseEvent[]) => made.filter(({ sequence_number: number }) => number > after);
  return {
    delta: (delta) => later(events.delta(delta)).map(asEvent),
    finish(result, usage) {
      const made = events.finish(result, usage);
      const told = later(made);
      return (told.length > 0 ? told : made.slice(-1)).map(asEvent);
    },
    problem(problem) {
      const made = events.fail(errorOf(problem));
      const number = (made.at(-1)?.sequence_number ?? 0) + 1;
      const { message, code, param = null } = problem;
      return [
        ...made,
        // The fields are those of the specification; clients throw for the object beside them.
        { type: "error", sequence_number: number, code, message, param, ...problemJson(problem) },
      ].map(asEvent);
    },
  };
}

const asEvent = (data: ResponseEvent): ServerEvent => ({ event: data.type, data });

/** OpenAI's closed list has few words. */
export const errorOf = ({ status, message }: Pick<Problem, "status" | "message">): ResponseError => ({
  code: status === 429 ? "rate_limit_exceeded" : status === 400 ? "invalid_prompt" : "server_error",
  message,
});
