/**
 * How many jobs a lane may hold: a few seconds of what it really drains, so that Redis stays small and cancelling or
 * reprioritising acts on rows, and never so few that workers run dry between two looks. Pure.
 */
export const smallestWindow = 200;
export const largestWindow = 20_000;
const secondsHeld = 2;
const smoothing = 0.3;
/** Slots that become free together take jobs in bursts; over half a second bursts are a rate. */
const measuredOverMs = 500;

export interface WindowState {
  readonly drainPerSecond: number;
  /** Where the present measurement began, and what was added since. */
  readonly since: { readonly atMs: number; readonly waiting: number; readonly added: number } | undefined;
}

export const emptyWindow: WindowState = { drainPerSecond: 0, since: undefined };

/** A look at the lane. Drained = what was there + what was added − what is there now; smoothed. */
export function observe(state: WindowState, look: { readonly atMs: number; readonly waiting: number }): WindowState {
  const next = { ...look, added: 0 };
  if (state.since === undefined) return { drainPerSecond: 0, since: next };
  const seconds = (look.atMs - state.since.atMs) / 1000;
  if (seconds * 1000 < measuredOverMs) return state;
  const drained = Math.max(0, state.since.waiting + state.since.added - look.waiting) / seconds;
  // Up at once, down slowly: an empty lane is worse than a deep one.
  const drainPerSecond =
    drained > state.drainPerSecond
      ? drained
      : state.drainPerSecond + smoothing * (drained - state.drainPerSecond) * Math.min(1, seconds);
  return { drainPerSecond, since: next };
}

/** After `jobs` went into the lane. */
export const added = (state: WindowState, jobs: number): WindowState =>
  state.since === undefined ? state : { ...state, since: { ...state.since, added: state.since.added + jobs } };

export const windowSize = (state: WindowState): number =>
  Math.min(largestWindow, Math.max(smallestWindow, Math.ceil(state.drainPerSecond * secondsHeld)));
