/**
 * How many jobs a lane may hold: a few seconds of what it really drains, so that Redis stays small and cancelling or
 * reprioritising acts on rows, and never so few that workers run dry between two looks. Pure.
 */
export interface LaneLook {
  readonly atMs: number;
  readonly waiting: number;
  readonly dispatchedSince: number;
}

export const smallestWindow = 200;
export const largestWindow = 20_000;
const secondsHeld = 2;
const smoothing = 0.3;

export interface WindowState {
  readonly drainPerSecond: number;
  readonly last: LaneLook | undefined;
}

export const emptyWindow: WindowState = { drainPerSecond: 0, last: undefined };

/** Drained since the last look = what was there + what was added − what is there now; smoothed. */
export function observe(state: WindowState, look: LaneLook): WindowState {
  if (state.last === undefined) return { drainPerSecond: 0, last: look };
  const seconds = (look.atMs - state.last.atMs) / 1000;
  if (seconds < 0.02) return state;
  const drained = Math.max(0, state.last.waiting + state.last.dispatchedSince - look.waiting) / seconds;
  // Up at once, down slowly: an empty lane is worse than a deep one.
  const drainPerSecond =
    drained > state.drainPerSecond
      ? drained
      : state.drainPerSecond + smoothing * (drained - state.drainPerSecond) * Math.min(1, seconds);
  return { drainPerSecond, last: look };
}

export const windowSize = (state: WindowState): number =>
  Math.min(largestWindow, Math.max(smallestWindow, Math.ceil(state.drainPerSecond * secondsHeld)));
