/** A lognormal by its median and its 99th percentile. Equal ones, or a median of zero, make it a constant. */
export interface Distribution {
  readonly p50: number;
  readonly p99: number;
}

/** Its value at a probability in [0, 1): a uniform number in, a drawn value out. Pure and rising. */
export function valueAt({ p50, p99 }: Distribution, probability: number): number {
  if (p50 <= 0 || p99 <= p50) return Math.max(0, p50);
  const sigma = Math.log(p99 / p50) / normalQuantile(0.99);
  return p50 * Math.exp(sigma * normalQuantile(probability));
}

/** Inverse of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9). */
function normalQuantile(probability: number): number {
  const p = Math.min(Math.max(probability, 1e-9), 1 - 1e-9);
  if (p < tail) return inTail(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - tail) return -inTail(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(centre.above, r) * q) / polynomial(centre.below, r);
}

const inTail = (q: number): number => polynomial(tails.above, q) / polynomial(tails.below, q);

const polynomial = (factors: readonly number[], x: number): number =>
  factors.reduce((sum, factor) => sum * x + factor, 0);

const tail = 0.02425;
const centre = {
  above: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  below: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
};
const tails = {
  above: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  below: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
};
