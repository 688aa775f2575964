/**
 * The gate of a worker process, with its memory and its voice: it starts from what earlier processes learned, keeps what
 * this one learns in the ledger, and makes every change of a circuit known.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Admission, openAdmission } from "../src/admission/admission.ts";
import type { CallSums } from "../src/admission/charge.ts";
import { openCircuits } from "../src/admission/circuits.ts";
import { leaseIdOf } from "../src/attempt/admit.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { callsSince } from "../src/ledger/calls-since.ts";
import { loadEstimates, saveEstimates } from "../src/ledger/estimates.ts";
import { liveCalls } from "../src/ledger/rescue.ts";
import { failureKinds } from "../src/request/failure.ts";
import { openLoop } from "../src/runtime/loop.ts";
import { openCircuitNews, type Say } from "./circuit-news.ts";

export interface LearningGate {
  readonly admission: Admission;
  close(): Promise<void>;
}

export interface LearningGateOptions {
  readonly onError: (error: unknown) => void;
  readonly say?: Say | undefined;
  /** Providers that this process has a key for. */
  readonly providers: readonly string[];
}

const saveMs = 5_000;
const greetAgainMs = 1_000;

export function openLearningGate(fleet: Fleet, { onError, say, providers }: LearningGateOptions): LearningGate {
  const { config, ledger } = fleet;
  const news = openCircuitNews(fleet, { onError, ...(say === undefined ? {} : { say }) });
  const rules = { circuit: config.circuit, retries: config.retries };
  const fingerprints = fingerprintsOf(fleet, providers);
  const liveLeases = async (lane: string) =>
    (await liveCalls(ledger, lane)).map(({ requestId, dispatchNo, leaseMs }) => ({
      leaseId: leaseIdOf(requestId, dispatchNo),
      leaseMs,
    }));
  const callsOfPool = async (pool: string, since: Date): Promise<CallSums[]> => {
    const rows = await callsSince(ledger, config.catalog.pools.get(pool)?.provider ?? "", since);
    return rows
      .filter(({ deployment }) => config.catalog.deployment(deployment)?.pool === pool)
      .map((row) => ({ ...row, failureKind: failureKinds.find((kind) => kind === row.failureKind) }));
  };
  const admission = openAdmission(fleet.redisUrl, {
    rules,
    onChange: news,
    fingerprints,
    liveLeases,
    callsSince: callsOfPool,
  });
  const circuits = openCircuits(fleet.redisUrl, config.catalog);
  const closing = new AbortController();

  async function recall(): Promise<void> {
    for (const row of await loadEstimates(ledger)) admission.estimates.restore(row.deployment, row);
  }
  async function greet([provider, fingerprint]: readonly [string, string]): Promise<void> {
    const change = await circuits.renewCredential(provider, fingerprint);
    if (change !== undefined) news(change);
  }
  /** Said once, so it is said again while Redis is away. */
  async function greetAll(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await Promise.all([...fingerprints].map(greet));
        return;
      } catch (error) {
        onError(error);
        await sleep(greetAgainMs, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }
  void recall().catch(onError);
  void greetAll();

  const save = () => saveEstimates(ledger, admission.estimates.changed());
  const loop = openLoop(() => save().then(() => saveMs), { onError, retryMs: saveMs });
  return {
    admission,
    async close() {
      closing.abort();
      await loop.stop();
      await save().catch(onError);
      await news.written();
      circuits.close();
      await admission.close();
    },
  };
}

/** Of the keys in use: they tell keys apart and tell nothing of them. */
const fingerprintsOf = (fleet: Fleet, providers: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    providers.flatMap((provider) => {
      const key = fleet.config.credentials.get(provider)?.apiKey;
      return key === undefined
        ? []
        : [[provider, createHash("sha256").update(key).digest("hex").slice(0, 12)] as const];
    }),
  );
