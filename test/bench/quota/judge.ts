/** What the simulator's own ledger says of one arm: how well the quota was used, and what was refused. */
import type { CallRecord } from "../../../src/simulator/call-ledger.ts";
import { percentile } from "../bench.ts";
import type { QuotaShape } from "./shapes.ts";
import type { Length } from "./trace.ts";

export interface Judgement {
  /** Earliest possible end of admission ÷ the real one, both from the start of the run. */
  readonly efficiency: number;
  /** The efficiency of the best that is reachable, where that is known: see shapes.ts. */
  readonly reachable: number | undefined;
  /** Calls refused by a limit, in all and by what it counts. */
  readonly refused: number;
  readonly causes: Readonly<Record<string, number>>;
  /** Seconds from the start to the admission of the last but one per cent. */
  readonly p99WaitS: number;
  readonly admitted: number;
}

/** `calls`: those of one arm and one model since `startMs`. */
export function judge(
  shape: QuotaShape,
  requests: readonly Length[],
  calls: readonly CallRecord[],
  startMs: number,
): Judgement {
  const admitted = calls.filter((call) => call.status === 200).map((call) => (call.atMs - startMs) / 1_000);
  const refused = calls.filter((call) => call.refusedBy !== undefined);
  const causes: Record<string, number> = {};
  for (const { refusedBy = "" } of refused) causes[refusedBy] = (causes[refusedBy] ?? 0) + 1;
  const bound = shape.lowerBound(requests, startMs);
  const last = admitted.reduce((latest, at) => Math.max(latest, at), 0);
  return {
    efficiency: admitted.length < requests.length ? 0 : bound / last,
    reachable: shape.reachable && bound / shape.reachable(requests),
    refused: refused.length,
    causes,
    p99WaitS: percentile(admitted, 0.99),
    admitted: admitted.length,
  };
}

export const judgementWords = ({ efficiency, refused, causes, p99WaitS, admitted }: Judgement): string => {
  const why = Object.entries(causes).map(([name, count]) => `${name} ${count}`);
  return `${(100 * efficiency).toFixed(1)} %, ${refused} refused${why.length === 0 ? "" : ` (${why.join(", ")})`}, p99 wait ${p99WaitS.toFixed(1)} s, ${admitted} admitted`;
};
