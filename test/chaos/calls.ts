/** What the provider says of its calls: the witness that no fault touches. */
import type { CallRecord } from "../../src/simulator/call-ledger.ts";

/** By request. */
export function byRequest(calls: readonly CallRecord[]): ReadonlyMap<string, readonly CallRecord[]> {
  const found = new Map<string, CallRecord[]>();
  for (const call of calls) {
    const id = call.correlation ?? "";
    const theirs = found.get(id);
    if (theirs === undefined) found.set(id, [call]);
    else theirs.push(call);
  }
  return found;
}

/** The provider took the call and did not break it itself: it would be on the bill, even where its caller was killed. */
const isServed = ({ status, ended, fault }: CallRecord): boolean =>
  (status === 200 || status === undefined) && fault === undefined && ended !== "cut" && ended !== "hang";

export const duplicatesIn = (calls: ReadonlyMap<string, readonly CallRecord[]>): number =>
  [...calls.values()].reduce((sum, theirs) => sum + Math.max(0, theirs.filter(isServed).length - 1), 0);
