/** One watch over one call: first token, idle, total, the caller's deadline, and whoever wants it stopped. */
export interface CallTimeouts {
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

export type Interruption = "firstToken" | "idle" | "total" | "stopped";

export interface CallWatch {
  /** A sign of life of the stream: the first one ends the first-token timeout and starts the idle one. */
  activity(): void;
  /** Why the call was interrupted, if it was. */
  interruption(): Interruption | undefined;
  /** Stops all timers. */
  end(): void;
}

/** What stops a call from outside (drain, a lost lease) aborts its controller with any other reason. */
class TimedOut extends Error {
  override readonly name = "TimedOut";
  readonly interruption: Exclude<Interruption, "stopped">;
  constructor(interruption: Exclude<Interruption, "stopped">) {
    super(interruption);
    this.interruption = interruption;
  }
}

/**
 * Aborts `controller` when a time is over. Only a stream has a first token and idle times; a whole answer has its total.
 * The SDKs' own timeouts end when headers arrive, so these are ours.
 */
export function watchCall(timeouts: CallTimeouts, streamed: boolean, controller: AbortController): CallWatch {
  const after = (ms: number, interruption: Exclude<Interruption, "stopped">) =>
    setTimeout(() => controller.abort(new TimedOut(interruption)), ms);
  const total = after(timeouts.totalMs, "total");
  const firstToken = streamed ? after(timeouts.firstTokenMs, "firstToken") : undefined;
  let idle: NodeJS.Timeout | undefined;

  return {
    activity() {
      if (!streamed) return;
      clearTimeout(firstToken);
      if (idle === undefined) idle = after(timeouts.idleMs, "idle");
      else idle.refresh();
    },
    interruption() {
      if (!controller.signal.aborted) return undefined;
      const reason: unknown = controller.signal.reason;
      return reason instanceof TimedOut ? reason.interruption : "stopped";
    },
    end() {
      clearTimeout(total);
      clearTimeout(firstToken);
      clearTimeout(idle);
    },
  };
}
