/** The way from a caller to its provider: how long each call takes to arrive. Real time, like latency. */
import type { EventEmitter } from "node:events";
import { digest, uniformAt } from "./digest.ts";
import { valueAt } from "./distribution.ts";
import type { SimulatorSettings } from "./options.ts";

/** Lets `arrive` happen when the call has come all the way; never when its `caller` closes before. */
export type ArrivalDelay = (caller: EventEmitter, arrive: () => void) => void;

type DelaySettings = Pick<SimulatorSettings, "arrivalDelayMs" | "seed">;

export function createArrivalDelay(settings: DelaySettings): ArrivalDelay {
  let sent = 0;
  return (caller, arrive) => {
    const delayMs = delayOf(settings, sent++);
    if (delayMs === 0) return arrive();
    const timer = setTimeout(() => {
      caller.off("close", leave);
      arrive();
    }, delayMs);
    const leave = () => clearTimeout(timer);
    caller.once("close", leave);
  };
}

/** Whole milliseconds by the order in which calls came in: the same seed delays the same places. */
export const delayOf = ({ arrivalDelayMs, seed }: DelaySettings, place: number): number =>
  arrivalDelayMs === undefined ? 0 : Math.round(valueAt(arrivalDelayMs, uniformAt(digest("arrival", seed), place)));
