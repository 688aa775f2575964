/**
 * Group commit: calls made while the line is busy travel together in the next round trip. Nothing waits on a timer: an
 * idle line sends at once, a busy one gathers. At most `lines` round trips are under way.
 */
export interface MicroBatchOptions<Item, Answer> {
  /** Answers in the order of `items`. A rejection fails exactly the items of this round trip. */
  readonly send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly maxItems: number;
  readonly lines?: number;
  /** Errors that are one item's fault: the items of that round trip are sent again one by one, and only it fails. */
  readonly faultOfOne?: (error: unknown) => boolean;
}

export type MicroBatch<Item, Answer> = (item: Item) => Promise<Answer>;

export function microBatch<Item, Answer>(options: MicroBatchOptions<Item, Answer>): MicroBatch<Item, Answer> {
  const waiting: Entry<Item, Answer>[] = [];
  const lines = options.lines ?? 2;
  let busy = 0;
  let scheduled = false;

  const pump = async (): Promise<void> => {
    busy += 1;
    try {
      while (waiting.length > 0) {
        await roundTrip(options, waiting.splice(0, options.maxItems));
      }
    } finally {
      busy -= 1;
    }
  };

  // One turn of the event loop: whatever is called in the same tick shares the first round trip.
  const schedule = () => {
    if (scheduled || busy >= lines) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (waiting.length > 0 && busy < lines) void pump();
    });
  };

  return (item) =>
    new Promise<Answer>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}

interface Entry<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Never rejects: every entry gets its own answer or error. */
async function roundTrip<Item, Answer>(
  options: MicroBatchOptions<Item, Answer>,
  group: readonly Entry<Item, Answer>[],
): Promise<void> {
  try {
    const answers = await options.send(group.map((entry) => entry.item));
    for (const [at, entry] of group.entries()) {
      const answer = answers[at];
      // An answer may be undefined by its own type; only a missing place is a bug.
      if (at >= answers.length) entry.reject(new Error("micro-batch: fewer answers than items"));
      else entry.resolve(answer as Answer);
    }
  } catch (error) {
    if (group.length > 1 && options.faultOfOne?.(error) === true) {
      for (const entry of group) await roundTrip(options, [entry]);
    } else {
      for (const entry of group) entry.reject(error);
    }
  }
}
