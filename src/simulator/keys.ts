import type { SimulatorSettings } from "./options.ts";
import type { Refusal } from "./refusal.ts";

/** Why a key is not let in; undefined when it is. */
export function keyRefusal({ keys }: SimulatorSettings, key: string | undefined): Refusal | undefined {
  if (key === undefined || key === "") return { kind: "no-key" };
  const beginsWith = (prefix: string) => key.startsWith(prefix);
  const isGood = keys.accepted.some(beginsWith) && !keys.refused.some(beginsWith);
  return isGood ? undefined : { kind: "wrong-key", key };
}
