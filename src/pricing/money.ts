/** Nano-dollars as dollars: at least four decimals, more where the amount is smaller. `$0.0012` */
export function formatUsd(nanoUsd: bigint): string {
  const sign = nanoUsd < 0n ? "-" : "";
  const absolute = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const whole = absolute / 1_000_000_000n;
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, "0");
  return `${sign}$${whole}.${fraction.slice(0, 4)}${fraction.slice(4).replace(/0+$/, "")}`;
}
