/**
 * The operator's hand on circuits: how they stand, closing them off, letting them go again. The gate's scripts decide by the
 * same hashes, so what is done here counts from the next call on, in every process.
 */
import { Redis } from "ioredis";
import type { Catalog } from "../config/catalog.ts";
import { redisPatience } from "../runtime/redis-patience.ts";
import {
  type CircuitStatus,
  circuitState,
  circuitStatus,
  type KeptState,
  poolTimeUs,
  providerState,
} from "./circuit-status.ts";
import type { CircuitChange } from "./permit.ts";
import { keysOf } from "./scripts.ts";

/** A change of one circuit, as the gate tells them too; deployment undefined: a switch of the whole provider. */
export interface TargetChange extends Omit<CircuitChange, "deployment"> {
  readonly deployment: string | undefined;
}

/** A target is a provider's id, or a deployment's: `provider/model`. What changes is returned, for the caller to tell. */
export interface Circuits {
  /** In the order of `deployments`, all of them of this provider. */
  status(provider: string, deployments: readonly string[]): Promise<CircuitStatus[]>;
  /** No call starts any more until it is reset; calls under way end. Doing it twice changes the reason only. */
  isolate(target: string, reason: string): Promise<TargetChange[]>;
  /** Takes back `isolate` and nothing else. */
  unisolate(target: string): Promise<void>;
  /** Closes the circuit at once and forgets its failures; of a provider all of them, and its credential counts as good again. */
  reset(target: string): Promise<TargetChange[]>;
  /**
   * To be called by a worker that starts: a credential that was refused is off no longer when this is another one.
   * `fingerprint`: the first 12 hex digits of the key's SHA-256.
   */
  renewCredential(provider: string, fingerprint: string): Promise<TargetChange | undefined>;
  close(): void;
}

/** `catalog` knows the pool of a deployment, which has the clock that a circuit's times are of. Rejects when Redis is away. */
export function openCircuits(redisUrl: string, catalog: Pick<Catalog, "deployment">): Circuits {
  const redis = new Redis(redisUrl, {
    ...redisPatience,
    maxRetriesPerRequest: 2,
    connectionName: "millrace:circuits",
    lazyConnect: true,
  });
  redis.on("error", () => {}); // every command rejects with the reason; an unheard event would end the process
  const keys = (provider: string, deployment = "") =>
    keysOf(provider, catalog.deployment(deployment)?.pool ?? `${provider}.other`, deployment);

  /** One round trip; together, so that no script runs in between. */
  async function read(provider: string, deployments: readonly string[]): Promise<Kept[]> {
    const question = redis.multi().time().hmget(keys(provider).provider, "iso", "off");
    for (const deployment of deployments) {
      const { circuit, pool } = keys(provider, deployment);
      question.hgetall(circuit).hmget(pool, "shift", "lt", "pu");
    }
    const [time, switches, ...rest] = await answersOf<unknown>(question);
    const [seconds, micros] = time as [number, number];
    const [iso = null, off = null] = switches as Nullable[];
    return deployments.map((deployment, at) => {
      const circuit = rest[2 * at] as Record<string, string>;
      const [shift = null, lt = null, pu = null] = rest[2 * at + 1] as Nullable[];
      return {
        deployment,
        circuit,
        provider: { iso, off },
        pool: { shift, lt, pu },
        time: [Number(seconds), Number(micros)],
      };
    });
  }

  /** Also those of models that no list names. */
  async function circuitsOf(provider: string): Promise<string[]> {
    const prefix = keys(provider).circuit;
    const found = new Set<string>();
    const match = `${prefix.replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
    for await (const names of redis.scanStream({ match, count: 1_000 })) {
      for (const name of names as string[]) found.add(name.slice(prefix.length));
    }
    return [...found].sort();
  }

  async function resetCircuits(provider: string, deployments: readonly string[]): Promise<TargetChange[]> {
    const kept = await read(provider, deployments);
    const writes = redis.multi();
    for (const state of kept) {
      const { circuit } = keys(provider, state.deployment);
      // `cg`: calls that began before say nothing any more, or those that still fail would open it again.
      writes.hgetall(circuit).del(circuit).hset(circuit, "cg", poolTimeUs(state));
    }
    const answers = deployments.length === 0 ? [] : await answersOf<unknown>(writes);
    return deployments.flatMap((deployment, at) => {
      const from = circuitState(answers[3 * at] as Record<string, string>);
      return from === "closed" ? [] : [{ provider, deployment, from, to: "closed" as const, reason: byHand }];
    });
  }

  async function resetProvider(provider: string): Promise<TargetChange[]> {
    const key = keys(provider).provider;
    const [switches] = await answersOf<Nullable[]>(redis.multi().hmget(key, "iso", "off").hdel(key, "iso", "off"));
    const [iso = null, off = null] = switches ?? [];
    const from = providerState({ iso, off });
    return from === "closed" ? [] : [{ provider, deployment: undefined, from, to: "closed", reason: byHand }];
  }

  return {
    async status(provider, deployments) {
      const kept = await read(provider, deployments);
      return kept.map((state) => circuitStatus(provider, state.deployment, state));
    },

    async isolate(target, reason) {
      const { provider, deployment } = partsOf(target);
      const key = deployment === undefined ? keys(provider).provider : keys(provider, deployment).circuit;
      const [before = {}] = await answersOf<Record<string, string>>(
        redis.multi().hgetall(key).hset(key, "iso", reason),
      );
      if (before["iso"] !== undefined) return [];
      const from =
        deployment === undefined ? providerState({ iso: null, off: before["off"] ?? null }) : circuitState(before);
      return [{ provider, deployment, from, to: "isolated", reason }];
    },

    async unisolate(target) {
      const { provider, deployment } = partsOf(target);
      await redis.hdel(deployment === undefined ? keys(provider).provider : keys(provider, deployment).circuit, "iso");
    },

    async reset(target) {
      const { provider, deployment } = partsOf(target);
      if (deployment !== undefined) return resetCircuits(provider, [deployment]);
      const circuits = await resetCircuits(provider, await circuitsOf(provider));
      return [...(await resetProvider(provider)), ...circuits];
    },

    async renewCredential(provider, fingerprint) {
      const key = keys(provider).provider;
      const [before] = await answersOf<Nullable>(redis.multi().hget(key, "key").hset(key, "key", fingerprint));
      // Whoever asks with the same key meanwhile finds it kept, so only one of them lifts what the old key brought.
      if (before === fingerprint || (await redis.hdel(key, "off")) === 0) return undefined;
      return { provider, deployment: undefined, from: "credential-off", to: "closed", reason: "there is another key" };
    },

    close() {
      redis.disconnect();
    },
  };
}

interface Kept extends KeptState {
  readonly deployment: string;
}

const byHand = "reset by an operator";

type Nullable = string | null;

const partsOf = (target: string): { readonly provider: string; readonly deployment: string | undefined } => {
  const slash = target.indexOf("/");
  return slash < 0
    ? { provider: target, deployment: undefined }
    : { provider: target.slice(0, slash), deployment: target };
};

async function answersOf<Answer>(transaction: ReturnType<Redis["multi"]>): Promise<Answer[]> {
  const answers = (await transaction.exec()) ?? [];
  return answers.map(([error, answer]) => {
    if (error !== null) throw error;
    return answer as Answer; // the commands above say what they answer
  });
}
