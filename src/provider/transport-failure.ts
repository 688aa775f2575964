import type { Failure } from "../request/failure.ts";

/** The SDKs keep no cause of a timeout; with their own switched off it is the socket's while it connects. */
export const connectionTimedOut: Failure = { kind: "network", message: "connecting timed out" };

/** The failure of an exchange that brought no readable answer: what fetch, sockets and JSON.parse throw. */
export function transportFailure(error: unknown): Failure {
  const chain = causes(error);
  const code = chain.map(codeOf).find((found) => found !== undefined);
  if (code !== undefined) {
    const kind = code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT" ? "timeout" : "network";
    return { kind, message: `${code}: ${chain.at(-1)?.message ?? ""}` };
  }
  const [outer] = chain;
  // No words of the parser: they quote the answer.
  if (chain.some((link) => link instanceof SyntaxError)) return { kind: "server", message: "the answer is not JSON" };
  // undici reports a socket that died under a body as a bare `TypeError: terminated`.
  if (outer instanceof TypeError && /^(?:terminated|fetch failed)/.test(outer.message)) {
    return { kind: "network", message: outer.message };
  }
  const words = outer === undefined ? String(error) : `${outer.name}: ${outer.message}`;
  return { kind: "server", message: `the answer cannot be read: ${words}` };
}

function causes(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && !chain.includes(link); link = link.cause) chain.push(link);
  return chain;
}

const codeOf = (error: Error): string | undefined =>
  "code" in error && typeof error.code === "string" ? error.code : undefined;
