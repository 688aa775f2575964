/** A loop that looks, sleeps as long as the look says, and can be woken. One look at a time. */
export interface Loop {
  /** Look again now, or right after the look under way. */
  wake(): void;
  /** Ends after the look under way. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly onError: (error: unknown) => void;
  /** Pause after a look that threw, milliseconds. */
  readonly retryMs: number;
}

/** `look` answers with the milliseconds until the next look. */
export function openLoop(look: () => Promise<number>, options: LoopOptions): Loop {
  let stopped = false;
  let rung = false;
  let failed = false;
  let wakeUp = () => {};

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if ((rung && !failed) || stopped) wakeUp();
    });

  const run = async () => {
    while (!stopped) {
      rung = false;
      failed = false;
      let next = options.retryMs;
      try {
        next = await look();
      } catch (error) {
        failed = true;
        options.onError(error);
      }
      if (!stopped) await pause(next);
    }
  };
  const ended = run();

  return {
    wake() {
      rung = true;
      // A bell does not shorten the pause after a failure: a service that is away is not asked in a tight loop.
      if (!failed) wakeUp();
    },
    async stop() {
      stopped = true;
      wakeUp();
      await ended;
    },
  };
}
