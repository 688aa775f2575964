import type { Failure } from "../request/failure.ts";

/**
 * The failure of a call that our own signal stopped: `timeout` when the reason is a timeout (an error named
 * `TimeoutError`, as of `AbortSignal.timeout`, or one whose message is the timeout's name), else `network`.
 */
export function interruption(signal: AbortSignal): Failure {
  const reason: unknown = signal.reason;
  const isError = reason instanceof Error;
  const isTimeout = isError && (reason.name === "TimeoutError" || timeouts.has(reason.message));
  return isTimeout
    ? { kind: "timeout", message: `the call was stopped: ${timeouts.get(reason.message) ?? "timeout"}` }
    : { kind: "network", message: "the call was stopped by its caller" };
}

const timeouts: ReadonlyMap<string, string> = new Map([
  ["firstToken", "no first token in time"],
  ["idle", "the stream was silent for too long"],
  ["total", "total time was over"],
]);
