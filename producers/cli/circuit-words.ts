/** How circuits stand, in a person's words. Pure. */
import type { CircuitStatus } from "../../src/admission/circuit-status.ts";
import type { CircuitState } from "../../src/admission/permit.ts";
import { span } from "./amounts.ts";

const words: Readonly<Record<CircuitState, string>> = {
  closed: "closed",
  open: "open",
  "half-open": "half-open",
  isolated: "isolated",
  "credential-off": "credential off",
};

export const stateWords = ({ state }: CircuitStatus): string => words[state];

/** What happens next without anybody's doing, or what a person has to do. */
export function nextWords(status: CircuitStatus): string {
  const { state, openForMs = 0, pausedForMs, ramping, wholeProvider, provider, deployment } = status;
  if (state === "credential-off")
    return `no call until a worker starts with another key, or: ${resetCommand(provider)}`;
  if (state === "isolated") return `no call until: ${resetCommand(wholeProvider ? provider : deployment)}`;
  if (state === "half-open") return "waits for the answer to one call; the others wait for that";
  if (state === "open")
    return openForMs > 0 ? `one call may find out in ${span(openForMs)}` : "the next call finds out";
  if (pausedForMs > 0) return `calls go on in ${span(pausedForMs)}, as the provider asked`;
  return ramping ? "calls go, few at first" : "calls go";
}

export const resetCommand = (target: string): string => `millrace provider circuit reset ${target}`;

/** One word for all circuits of a provider, or those that are not closed by model: `claude-haiku-4-5 open`. */
export function circuitSummary(statuses: readonly CircuitStatus[]): string {
  const [first] = statuses;
  if (first === undefined) return "-";
  if (statuses.every(({ state }) => state === first.state)) return stateWords(first);
  return statuses
    .filter(({ state }) => state !== "closed")
    .map((status) => `${modelOf(status.deployment)} ${stateWords(status)}`)
    .join(", ");
}

export const modelOf = (deployment: string): string => deployment.slice(deployment.indexOf("/") + 1);

/** `3 of 12 failed`. */
export const callWords = ({ calls, failures }: CircuitStatus): string =>
  calls === 0 ? "no calls" : `${failures} of ${calls} failed`;
