/**
 * What calls of a deployment turned out to take, against what was expected: the estimate of input is corrected, and
 * output is expected as long as nine of ten answers are. In memory; kept in the ledger by whoever opened it.
 */
export interface Learned {
  /** Provider's input tokens ÷ our estimate, over the tokens of the last calls and not over the calls; 1 before the first. */
  readonly inputRatio: number;
  /** The 90th percentile of output tokens; undefined before the first call. */
  readonly outputTokens: number | undefined;
}

export interface Estimates {
  of(deployment: string): Learned;
  observe(deployment: string, seen: Observed): void;
  /** Starts from what an earlier process learned; what was learned here since counts more. */
  restore(deployment: string, learned: Learned): void;
  /** Those of which something was observed since the last time this was asked. */
  changed(): (Learned & { readonly deployment: string })[];
}

/** What one call took; what is not known is left out. */
export interface Observed {
  readonly estimatedInput: number;
  /** As the provider charges it: without cached tokens where those are free. */
  readonly chargedInput?: number | undefined;
  readonly outputTokens?: number | undefined;
}

/** Weight of the newest call: the last twenty or so count; before there are so many, all do, and the guess as one of them. */
const weightOf = (inputCalls: number): number => Math.max(0.05, 1 / (inputCalls + 1));
/** An earlier process saw many. */
const restoredCalls = 20;
/** An estimate is off by more than this only where something else is wrong; then it is not followed. */
const ratioRange = { least: 0.2, most: 5 };
const quantile = 0.9;
/** Output tokens are counted in buckets an eighth of an octave wide: 9 % apart. */
const perOctave = 8;
/** Beyond this many calls old ones fade. */
const remembered = 1_000;

interface Memory {
  inputRatio: number;
  /** Calls whose input was seen. */
  inputCalls: number;
  /** Exponentially weighted mean of the estimates: a call counts by its tokens, for those are what a limit counts. */
  meanEstimate: number | undefined;
  counts: Map<number, number>;
  calls: number;
}

export function openEstimates(): Estimates {
  const memories = new Map<string, Memory>();
  const fresh = new Set<string>();
  const memoryOf = (deployment: string): Memory => {
    const known = memories.get(deployment);
    if (known !== undefined) return known;
    const made = { inputRatio: 1, inputCalls: 0, meanEstimate: undefined, counts: new Map<number, number>(), calls: 0 };
    memories.set(deployment, made);
    return made;
  };
  const of = (deployment: string): Learned => {
    const memory = memories.get(deployment);
    return memory === undefined
      ? { inputRatio: 1, outputTokens: undefined }
      : { inputRatio: memory.inputRatio, outputTokens: quantileOf(memory) };
  };
  return {
    of,
    observe(deployment, { estimatedInput, chargedInput, outputTokens }) {
      const memory = memoryOf(deployment);
      fresh.add(deployment);
      if (chargedInput !== undefined && estimatedInput > 0) {
        memory.inputCalls += 1;
        const weight = weightOf(memory.inputCalls);
        const ratio = Math.min(ratioRange.most, Math.max(ratioRange.least, chargedInput / estimatedInput));
        const before = memory.meanEstimate ?? estimatedInput;
        const mean = before + weight * (estimatedInput - before);
        memory.inputRatio += ((weight * estimatedInput) / mean) * (ratio - memory.inputRatio);
        memory.meanEstimate = mean;
      }
      if (outputTokens !== undefined) count(memory, outputTokens, 1);
    },
    restore(deployment, learned) {
      if (memories.has(deployment)) return;
      const memory = memoryOf(deployment);
      memory.inputRatio = learned.inputRatio;
      memory.inputCalls = restoredCalls;
      if (learned.outputTokens !== undefined) count(memory, learned.outputTokens, 5);
    },
    changed() {
      const names = [...fresh];
      fresh.clear();
      return names.map((deployment) => ({ deployment, ...of(deployment) }));
    },
  };
}

function count(memory: Memory, outputTokens: number, times: number): void {
  const bucket = bucketOf(outputTokens);
  memory.counts.set(bucket, (memory.counts.get(bucket) ?? 0) + times);
  memory.calls += times;
  if (memory.calls < 2 * remembered) return;
  for (const [key, seen] of memory.counts) memory.counts.set(key, seen / 2);
  memory.calls /= 2;
}

const upperEdge = (bucket: number): number => Math.ceil(2 ** (bucket / perOctave));

/** The first bucket whose upper edge is not below it. */
function bucketOf(outputTokens: number): number {
  const bucket = Math.ceil(perOctave * Math.log2(Math.max(1, outputTokens)));
  return bucket > 0 && upperEdge(bucket - 1) >= outputTokens ? bucket - 1 : bucket;
}

/** The upper edge of the bucket in which the quantile lies: never below it. */
function quantileOf(memory: Memory): number | undefined {
  let below = 0;
  for (const bucket of [...memory.counts.keys()].sort((one, other) => one - other)) {
    below += memory.counts.get(bucket) ?? 0;
    if (below >= quantile * memory.calls) return upperEdge(bucket);
  }
  return undefined;
}
