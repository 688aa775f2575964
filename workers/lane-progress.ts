/** What one consumer of a lane has in hand, and since when nothing of it has moved: what the watchdog looks at. */
export interface LaneProgress {
  readonly lane: string;
  /** A job came; the rest is told of it. */
  taken(): JobProgress;
  /** Nothing need move for so long: the limiter said so. */
  rests(ms: number): void;
  sight(): LaneSight;
}

export interface JobProgress {
  moved(): void;
  /** Its call has a timeout of its own, and need not move before. */
  calls(): void;
  called(): void;
  left(): void;
}

export interface LaneSight {
  readonly lane: string;
  /** Jobs in hand that ought to move: all but those whose call is under way and in time. */
  readonly inHand: number;
  /** Slots without a job. */
  readonly free: number;
  /** When something last moved, or when it need not move before. */
  readonly movedAt: number;
}

export interface LaneProgressOptions {
  readonly lane: string;
  readonly slots: number;
  /** The longest that a call may last, milliseconds. */
  readonly callMs: number;
  readonly now: () => number;
}

export function openLaneProgress({ lane, slots, callMs, now }: LaneProgressOptions): LaneProgress {
  const jobs = new Set<{ callUntil: number | undefined }>();
  let movedAt = now();
  const move = (until = now()) => {
    movedAt = Math.max(movedAt, until);
  };
  return {
    lane,
    taken() {
      const job: { callUntil: number | undefined } = { callUntil: undefined };
      jobs.add(job);
      move();
      return {
        moved: () => move(),
        calls() {
          job.callUntil = now() + callMs;
          move();
        },
        called() {
          job.callUntil = undefined;
          move();
        },
        left() {
          jobs.delete(job);
          move();
        },
      };
    },
    rests: (ms) => move(now() + ms),
    sight() {
      const at = now();
      const inHand = [...jobs].filter(({ callUntil }) => callUntil === undefined || callUntil < at).length;
      return { lane, inHand, free: slots - jobs.size, movedAt };
    },
  };
}
