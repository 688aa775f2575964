/** `provider health --verbose`: the lanes of a provider, and what was learned from its answers. */
import type { StoredEstimate } from "../../src/ledger/estimates.ts";
import type { StoredReading } from "../../src/ledger/limit-readings.ts";
import { count, span } from "./amounts.ts";
import { type LaneHealth, type ProviderHealth, unfinishedIn } from "./provider-look.ts";
import type { Shell } from "./shell.ts";
import { table } from "./table.ts";

export function tellLearned(shell: Shell, { provider, lanes, estimates }: ProviderHealth): void {
  shell.line(`\n${provider}`);
  shell.line(table(laneColumns, lanes.map(laneCells)));
  if (estimates.length > 0) shell.line(table(estimateColumns, estimates.map(estimateCells)));
}

const laneColumns = [
  { title: "  LANE" },
  { title: "LIMITS" },
  { title: "FOLLOWED NOW" },
  { title: "OPEN", align: "right" as const },
  { title: "ITS HEADERS SAID LAST" },
];

const laneCells = (lane: LaneHealth): string[] => {
  const followed = lane.readings.flatMap(followedWords);
  const said = lane.readings.flatMap(readingWords);
  return [
    `  ${lane.lane}`,
    `${limitWords(lane)}${lane.paused ? ", paused" : ""}`,
    followed.length === 0 ? "as set" : followed.join(", "),
    String(unfinishedIn(lane)),
    said.length === 0 ? "-" : said.join("; "),
  ];
};

function limitWords({ requestsPerMinute, concurrency }: LaneHealth): string {
  const rate = requestsPerMinute === undefined ? "requests/min learned" : `${requestsPerMinute}/min`;
  return `${rate}, ${concurrency === undefined ? "calls at once learned" : `${concurrency} at once`}`;
}

/** `inputTokens 40,000` */
const followedWords = ({ dimension, followed }: StoredReading): string[] =>
  followed === null ? [] : [`${dimension} ${count(followed)}`];

/** `requests 49 of 50, full in 1 s (2 s ago)`; nothing where no header ever spoke of it. */
function readingWords(reading: StoredReading): string[] {
  if (reading.limit === null && reading.remaining === null && reading.resetMs === null) return [];
  const left = reading.remaining === null ? "unknown" : String(reading.remaining);
  const of = reading.limit === null ? "" : ` of ${reading.limit}`;
  const full = reading.resetMs === null ? "" : `, full in ${span(reading.resetMs)}`;
  return [`${reading.dimension} ${left}${of}${full} (${span(Date.now() - reading.observedAt.getTime())} ago)`];
}

const estimateColumns = [
  { title: "  DEPLOYMENT" },
  { title: "INPUT ÷ ESTIMATE", align: "right" as const },
  { title: "OUTPUT OF 9 IN 10", align: "right" as const },
  { title: "LEARNED" },
];

const estimateCells = ({ deployment, inputRatio, outputTokens, updatedAt }: StoredEstimate): string[] => [
  `  ${deployment}`,
  inputRatio.toFixed(2),
  outputTokens === undefined ? "unknown" : `${count(outputTokens)} tokens`,
  `${span(Date.now() - updatedAt.getTime())} ago`,
];
