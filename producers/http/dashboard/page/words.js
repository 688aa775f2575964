/** Amounts in a person's words. What is not known is said, never shown as nothing. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const unknown = "unknown";

/** `12,345` @param {number | null} value */
export const count = (value) => (value === null ? unknown : whole.format(value));

/** `812`, `12.3k`, `1.9M` @param {number | null} value */
export function short(value) {
  if (value === null) return unknown;
  if (value < 1_000) return String(Math.round(value));
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

/** `20,000+` where counting stopped. @param {import("../look-json.ts").CountJson} value */
export const bounded = ({ n, atLeast }) => `${whole.format(n)}${atLeast ? "+" : ""}`;

/** `450 ms`, `3.2 s`, `35 s`, `46 min`, `3 h 12 min`, `2 d 4 h` @param {number | null} ms */
export function span(ms) {
  if (ms === null) return unknown;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @param {number | null} ms */
export const ago = (ms) =>
  ms === null ? unknown : ms < 1_000 ? "just now" : `${span(Math.round(ms / 1_000) * 1_000).replace(".0 s", " s")} ago`;

/** Never 100 % before all is done, nor 0 % when something is. @param {number | null} share in [0, 1] */
export function percent(share) {
  if (share === null) return unknown;
  if (share > 0 && share < 0.01) return "<1 %";
  return `${Math.floor(share * 100)} %`;
}

/** @param {number} atMs */
export const timeOfDay = (atMs) => clock.format(atMs);

/** `1 call`, `2 calls` @param {number} n @param {string} noun */
export const counted = (n, noun) => `${whole.format(n)} ${noun}${n === 1 ? "" : "s"}`;
