/** When a batch will be done, from how fast it moves now. Pure. */

/** The slowest lane decides: the others may be done long before. Lanes that stand still say nothing. */
export function slowestLaneMs(
  lanes: readonly { readonly open: number; readonly callsPerMinute: number }[],
): number | undefined {
  const moving = lanes.filter((lane) => lane.callsPerMinute > 0);
  return moving.length === 0
    ? undefined
    : Math.max(...moving.map((lane) => (lane.open / lane.callsPerMinute) * 60_000));
}

/** How fast lines get done, from looks over the last half minute. */
export interface Pace {
  /** Takes what is done at `atMs` and says how long the rest will take, or undefined while nothing moves. */
  etaMs(atMs: number, done: number, total: number): number | undefined;
}

const windowMs = 30_000;

export function openPace(): Pace {
  let looks: { readonly atMs: number; readonly done: number }[] = [];
  return {
    etaMs(atMs, done, total) {
      looks = [...looks.filter((look) => look.atMs > atMs - windowMs), { atMs, done }];
      const first = looks[0];
      if (first === undefined || done <= first.done || atMs <= first.atMs) return undefined;
      return ((total - done) * (atMs - first.atMs)) / (done - first.done);
    },
  };
}
