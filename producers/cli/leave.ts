/** Ctrl-C and SIGTERM as a wish: the first one asks to leave in order, the second one leaves at once. */
export interface Leave {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  forget(): void;
}

/** `code` is the exit code of leaving at once. */
export function onLeave(code: number): Leave {
  const asked = new AbortController();
  const leave = () => {
    if (asked.signal.aborted) process.exit(code);
    asked.abort();
  };
  process.on("SIGINT", leave).on("SIGTERM", leave);
  return {
    signal: asked.signal,
    forget: () => {
      process.off("SIGINT", leave).off("SIGTERM", leave);
    },
  };
}
