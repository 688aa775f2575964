/** One look for everybody who watches: taken again and again while somebody does, and not at all otherwise. */
import { setTimeout as sleep } from "node:timers/promises";

export interface SharedLook {
  /** Calls `told` with every look until the signal comes; at once with the last one when that is fresh. */
  watch(told: (look: string) => void, gone: AbortSignal): void;
}

/** Looks begin `everyMs` apart, or one after the other when they take longer; one that fails is left out. */
export function shareLooks(take: () => Promise<string>, everyMs: number, closing: AbortSignal): SharedLook {
  const watchers = new Set<(look: string) => void>();
  let last: { readonly look: string; readonly atMs: number } | undefined;
  let isLooking = false;

  async function lookOn(): Promise<void> {
    isLooking = true;
    while (watchers.size > 0 && !closing.aborted) {
      const begunMs = performance.now();
      const look = await take().catch(() => undefined);
      if (look !== undefined) {
        last = { look, atMs: performance.now() };
        for (const told of watchers) told(look);
      }
      const restMs = Math.max(everyMs / 4, everyMs - (performance.now() - begunMs));
      await sleep(restMs, undefined, { signal: closing }).catch(() => {});
    }
    isLooking = false;
  }

  return {
    watch(told, gone) {
      if (gone.aborted) return;
      watchers.add(told);
      gone.addEventListener("abort", () => watchers.delete(told), { once: true });
      if (last !== undefined && performance.now() - last.atMs < everyMs) told(last.look);
      if (!isLooking) void lookOn();
    },
  };
}
