/** `provider health`: each provider is asked for its models, which costs nothing and shows whether the key is good. */
import { limitOf } from "../../../src/config/pool.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type LaneCensus, laneCensus } from "../../../src/ledger/lane-census.ts";
import { limitReadings, type StoredReading } from "../../../src/ledger/limit-readings.ts";
import { pausedLanes } from "../../../src/ledger/toggles.ts";
import { providers } from "../../../src/provider/registry.ts";
import { span } from "../amounts.ts";
import { exitCodes } from "../exit.ts";
import { noKeys } from "../keys.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { table } from "../table.ts";

const patienceMs = 5_000;

interface HealthOptions {
  readonly verbose?: boolean;
  readonly json?: boolean;
}

type Answer =
  | { readonly asked: false; readonly missing: string }
  | { readonly asked: true; readonly ok: true; readonly ms: number }
  | { readonly asked: true; readonly ok: false; readonly ms: number; readonly kind: string; readonly message: string };

interface ProviderHealth {
  readonly provider: string;
  readonly baseUrl: string | undefined;
  readonly answer: Answer;
  readonly lanes: readonly LaneHealth[];
}

interface LaneHealth {
  readonly lane: string;
  /** Undefined: not known; learned from what the provider says and refuses. */
  readonly requestsPerMinute: number | undefined;
  readonly concurrency: number | undefined;
  readonly open: LaneCensus["counts"];
  readonly paused: boolean;
  readonly readings: readonly StoredReading[];
}

export async function health(options: HealthOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const found = await lookAtProviders(fleet);
    shell.result({ providers: found.map(healthJson) });
    shell.line(table(columns, found.map(cellsOf)));
    if (options.verbose === true) for (const provider of found) tellLanes(shell, provider);
    const asked = found.filter(({ answer }) => answer.asked);
    if (asked.length === 0) shell.note(noKeys(fleet));
    if (asked.length === 0 || asked.some(({ answer }) => answer.asked && !answer.ok))
      process.exitCode = exitCodes.failure;
  });
}

async function lookAtProviders(fleet: Fleet): Promise<ProviderHealth[]> {
  const pools = [...fleet.config.catalog.pools.values()];
  const [census, readings, paused] = await Promise.all([
    laneCensus(
      fleet.ledger,
      pools.map((pool) => pool.id),
    ),
    limitReadings(fleet.ledger),
    pausedLanes(fleet.ledger),
  ]);
  return Promise.all(
    [...fleet.config.credentials].map(async ([provider, credential]) => ({
      provider,
      baseUrl: credential.baseUrl,
      answer: await probe(fleet, provider),
      lanes: census.flatMap(({ lane, counts }) => {
        const pool = fleet.config.catalog.pools.get(lane);
        if (pool?.provider !== provider) return [];
        const limits = { requestsPerMinute: limitOf(pool, "requests"), concurrency: pool.concurrency };
        const own = readings.filter((reading) => reading.pool === lane);
        return [{ lane, ...limits, open: counts, paused: paused.has(lane), readings: own }];
      }),
    })),
  );
}

async function probe(fleet: Fleet, id: string): Promise<Answer> {
  const credential = fleet.config.credentials.get(id);
  const provider = providers[id];
  if (provider === undefined || credential?.apiKey === undefined) {
    return { asked: false, missing: `set ${credential?.variable ?? "a key"}` };
  }
  const { apiKey, baseUrl } = credential;
  const connection = provider.connect(baseUrl === undefined ? { apiKey } : { apiKey, baseUrl });
  const began = performance.now();
  const outcome = await connection.probe({
    signal: AbortSignal.timeout(patienceMs),
    onText: () => {},
    onActivity: () => {},
  });
  const ms = Math.round(performance.now() - began);
  if (outcome.ok) return { asked: true, ok: true, ms };
  const { kind, message } = outcome.failure;
  return { asked: true, ok: false, ms, kind, message: ms >= patienceMs ? `no answer in ${span(patienceMs)}` : message };
}

const columns = [
  { title: "PROVIDER" },
  { title: "KEY" },
  { title: "ANSWER" },
  { title: "OPEN", align: "right" as const },
  { title: "ADDRESS" },
];

const cellsOf = ({ provider, baseUrl, answer, lanes }: ProviderHealth): string[] => [
  provider,
  answer.asked ? "yes" : answer.missing,
  answerWords(answer),
  String(lanes.reduce((sum, { open }) => sum + openOf(open), 0)),
  baseUrl ?? "the vendor's own",
];

function answerWords(answer: Answer): string {
  if (!answer.asked) return "-";
  return answer.ok ? `ok, ${span(answer.ms)}` : `${answer.kind}: ${answer.message}`;
}

const openOf = (counts: LaneCensus["counts"]): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

function tellLanes(shell: Shell, { provider, lanes }: ProviderHealth): void {
  shell.line(`\n${provider}`);
  shell.line(
    table(
      [{ title: "  LANE" }, { title: "LIMITS" }, { title: "OPEN", align: "right" }, { title: "ITS HEADERS SAID LAST" }],
      lanes.map((lane) => [
        `  ${lane.lane}`,
        `${limitWords(lane)}${lane.paused ? ", paused" : ""}`,
        String(openOf(lane.open)),
        lane.readings.length === 0 ? "-" : lane.readings.map(readingWords).join("; "),
      ]),
    ),
  );
}

function limitWords({ requestsPerMinute, concurrency }: LaneHealth): string {
  const rate = requestsPerMinute === undefined ? "requests/min learned" : `${requestsPerMinute}/min`;
  return `${rate}, ${concurrency === undefined ? "calls at once learned" : `${concurrency} at once`}`;
}

/** `requests 49 of 50, full in 1 s (2 s ago)` */
function readingWords(reading: StoredReading): string {
  const left = reading.remaining === null ? "unknown" : String(reading.remaining);
  const of = reading.limit === null ? "" : ` of ${reading.limit}`;
  const full = reading.resetMs === null ? "" : `, full in ${span(reading.resetMs)}`;
  return `${reading.dimension} ${left}${of}${full} (${span(Date.now() - reading.observedAt.getTime())} ago)`;
}

const healthJson = ({ provider, baseUrl, answer, lanes }: ProviderHealth) => ({
  provider,
  base_url: baseUrl ?? null,
  key: answer.asked,
  answer: answer.asked ? answer : null,
  lanes: lanes.map((lane) => ({
    ...lane,
    requestsPerMinute: lane.requestsPerMinute ?? null,
    concurrency: lane.concurrency ?? null,
  })),
});
