import { type ChatBody, partsOf } from "../../../request/body.ts";

/**
 * Which requests need the Responses API; all others go to chat completions.
 *  - Models that only it serves: `-pro`, `codex`, `deep-research`, `computer-use`.
 *  - From GPT-5.4 on, tools together with reasoning: chat completions answer 400, "To use function tools, use
 *    /v1/responses or set reasoning_effort to 'none'".
 *  - A file by its address: chat completions take files as data only.
 */
export const needsResponses = (model: string, body: ChatBody): boolean =>
  /(?:^|-)(?:pro|codex|deep-research|computer-use)(?:-|$)/.test(model) ||
  (isFrom54(model) && body.tools !== undefined && body.reasoning?.effort !== "none") ||
  partsOf(body).some((part) => part.type === "file" && "url" in part.source);

function isFrom54(model: string): boolean {
  const [, major, minor = "0"] = /^gpt-(\d+)(?:\.(\d+))?(?:-|$)/.exec(model) ?? [];
  if (major === undefined) return false;
  return Number(major) > 5 || (major === "5" && Number(minor) >= 4);
}
