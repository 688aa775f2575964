import type { z } from "zod";
import type { Problem } from "./refusal.ts";

/** The first thing that a validator found wrong. */
export function problemOf(error: z.ZodError): Problem {
  const issue = error.issues[0];
  const message = issue?.message ?? "Invalid input";
  return { path: issue?.path.join(".") ?? "", isMissing: message.endsWith("received undefined"), message };
}

export const invalid = (problem: Problem) => ({ ok: false, refusal: { kind: "invalid", problem } }) as const;
