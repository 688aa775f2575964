import fc from "fast-check";
import { onTestFailed } from "vitest";

/** Random values for a test that runs once, since it uses servers; the seed is printed when it fails. */
export function drawn<Value>(arbitrary: fc.Arbitrary<Value>, count: number, seed = Date.now()): Value[] {
  onTestFailed(() => console.error(`drawn with seed ${seed}`));
  return fc.sample(arbitrary, { numRuns: count, seed });
}
