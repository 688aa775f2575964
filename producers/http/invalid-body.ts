/** A body that cannot be taken, with the field that is wrong: reasons begin with its path. Pure. */
import type { Problem } from "./problem.ts";

export const invalidBody = (reason: string): Problem => {
  const param = /^(?:unknown field )?"?([\w.[\]]+)/.exec(reason)?.[1];
  return {
    status: 400,
    type: "invalid_request_error",
    code: "invalid_request",
    message: reason,
    ...(param === undefined ? {} : { param }),
  };
};
