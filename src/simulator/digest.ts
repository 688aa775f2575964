/** Repeatable numbers from texts. Not for secrets. */

/** 53 bits of a text, well spread (cyrb53, public domain): the same text and seed give the same number everywhere. */
export function digest(text: string, seed = 0): number {
  let low = 0xdeadbeef ^ seed;
  let high = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 2_654_435_761);
    high = Math.imul(high ^ unit, 1_597_334_677);
  }
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & high) + (low >>> 0);
}

export const digestHex = (value: number): string => value.toString(16).padStart(14, "0");

/** The number in [0, 1) at a place of the sequence that a seed begins (splitmix32). */
export function uniformAt(seed: number, place: number): number {
  let bits = (seed ^ Math.imul(place + 1, 0x9e3779b9)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return ((bits ^ (bits >>> 15)) >>> 0) / 4_294_967_296;
}
