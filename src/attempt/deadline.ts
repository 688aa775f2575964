/** One watch over one call: first token, idle, total, the caller's deadline, and whoever wants it stopped. */
export interface CallTimeouts {
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

export type Interruption = "firstToken" | "idle" | "total" | "stopped";

export interface CallWatch {
  readonly signal: AbortSignal;
  /** A sign of life of the stream: the first one ends the first-token timeout and starts the idle one. */
  activity(): void;
  /** Why the call was interrupted, if it was. */
  interruption(): Interruption | undefined;
  /** Stops all timers. */
  end(): void;
}

/**
 * `outer` stops the call from outside (drain, lost lease). Only a stream has a first token and idle times; a whole answer
 * has its total. The SDKs' own timeouts end when headers arrive, so these are ours.
 */
export function watchCall(timeouts: CallTimeouts, streamed: boolean, outer: AbortSignal): CallWatch {
  const controller = new AbortController();
  let why: Interruption | undefined;
  const interrupt = (reason: Interruption) => {
    if (why !== undefined) return;
    why = reason;
    controller.abort(new Error(reason));
  };
  const total = setTimeout(() => interrupt("total"), timeouts.totalMs);
  const firstToken = streamed ? setTimeout(() => interrupt("firstToken"), timeouts.firstTokenMs) : undefined;
  let idle: NodeJS.Timeout | undefined;
  const onOuter = () => interrupt("stopped");
  if (outer.aborted) onOuter();
  else outer.addEventListener("abort", onOuter, { once: true });

  return {
    signal: controller.signal,
    activity() {
      if (!streamed) return;
      clearTimeout(firstToken);
      if (idle === undefined) idle = setTimeout(() => interrupt("idle"), timeouts.idleMs);
      else idle.refresh();
    },
    interruption: () => why,
    end() {
      clearTimeout(total);
      clearTimeout(firstToken);
      clearTimeout(idle);
      outer.removeEventListener("abort", onOuter);
    },
  };
}
