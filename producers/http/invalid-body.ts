/** A body that cannot be taken, with the field that is wrong: reasons begin with its path. Pure. */
import type { Problem } from "./problem.ts";

export const invalidBody = (reason: string): Problem => {
  // Readers of lines call the whole of one so.
  const message = reason.replace(/^the line\b/, "the body");
  const param = /^the body\b/.test(message) ? undefined : /^(?:unknown field )?"?([\w.[\]]+)/.exec(message)?.[1];
  return {
    status: 400,
    type: "invalid_request_error",
    code: "invalid_request",
    message,
    ...(param === undefined ? {} : { param }),
  };
};
