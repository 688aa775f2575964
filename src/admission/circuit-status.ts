/** How circuits stand, in words: what the gate keeps in Redis (see lua/include/circuit.lua), read by a person. Pure. */
import type { CircuitState } from "./permit.ts";

export interface CircuitStatus {
  readonly provider: string;
  readonly deployment: string;
  /** What a call would meet; switches of the whole provider win over the deployment's own circuit. */
  readonly state: CircuitState;
  /** The state is a switch of the whole provider, not this circuit's own. */
  readonly wholeProvider: boolean;
  /** Milliseconds since its last change. Undefined: it never changed, or Redis does not keep when (isolated, credential-off). */
  readonly sinceMs: number | undefined;
  /** What opened it, why an operator closed it off, or why the credential was refused. */
  readonly reason: string | undefined;
  /** Milliseconds until one call may find out; 0: the next call does. Undefined unless it is open. */
  readonly openForMs: number | undefined;
  readonly failuresInARow: number;
  /** Of the last ten seconds and since the last change. */
  readonly calls: number;
  readonly failures: number;
  /** It has just closed: few calls a second may start, then more. */
  readonly ramping: boolean;
  /** Milliseconds for which the provider asked this deployment or its pool to wait; 0: it did not. */
  readonly pausedForMs: number;
}

/** Hashes as Redis gives them. */
type Hash = Readonly<Record<string, string>>;

export interface KeptState {
  readonly circuit: Hash;
  readonly provider: { readonly iso: string | null; readonly off: string | null };
  readonly pool: { readonly shift: string | null; readonly lt: string | null; readonly pu: string | null };
  /** Redis' TIME: seconds and microseconds. */
  readonly time: readonly [seconds: number, micros: number];
}

const epochSeconds = 1_735_689_600;
/** Steps of the ramp in circuit.lua times their length. */
const rampMs = 3_000;
const windowSeconds = 10;

/** The pool's time in microseconds since 2025: Redis' own with the shift that clock.lua found out. It never runs backwards. */
export function poolTimeUs({ pool, time: [seconds, micros] }: Pick<KeptState, "pool" | "time">): number {
  const redisUs = (seconds - epochSeconds) * 1_000_000 + micros;
  return Math.max(redisUs + Number(pool.shift ?? 0), Number(pool.lt ?? 0));
}

/** Of the deployment's own circuit, whatever the provider's switches say. */
export function circuitState(circuit: Hash): CircuitState {
  if (circuit["iso"] !== undefined) return "isolated";
  if (circuit["st"] === "open") return "open";
  return circuit["st"] === "half" ? "half-open" : "closed";
}

/** Of the switches of a whole provider. */
export function providerState({ iso, off }: KeptState["provider"]): CircuitState {
  if (off !== null) return "credential-off";
  return iso === null ? "closed" : "isolated";
}

export function circuitStatus(provider: string, deployment: string, kept: KeptState): CircuitStatus {
  const { circuit, pool } = kept;
  const nowUs = poolTimeUs(kept);
  const ms = (us: number) => Math.max(0, us / 1_000);
  const field = (name: string) => (circuit[name] === undefined ? undefined : Number(circuit[name]));
  const wide = providerState(kept.provider);
  const state = wide === "closed" ? circuitState(circuit) : wide;
  const changedUs = field("cg");
  const rampFromUs = field("rs");
  const pausedUntilUs = Math.max(field("pu") ?? 0, Number(pool.pu ?? 0));
  return {
    provider,
    deployment,
    state,
    wholeProvider: wide !== "closed",
    sinceMs:
      changedUs === undefined || state === "isolated" || state === "credential-off" ? undefined : ms(nowUs - changedUs),
    reason: reasonOf(state, kept),
    openForMs: state === "open" ? ms((field("un") ?? nowUs) - nowUs) : undefined,
    failuresInARow: field("cf") ?? 0,
    ...callsIn(circuit, Math.floor(nowUs / 1_000_000)),
    ramping: state === "closed" && rampFromUs !== undefined && ms(nowUs - rampFromUs) < rampMs,
    pausedForMs: ms(pausedUntilUs - nowUs),
  };
}

function reasonOf(state: CircuitState, { circuit, provider }: KeptState): string | undefined {
  if (state === "credential-off") return provider.off ?? undefined;
  if (state === "isolated") return provider.iso ?? circuit["iso"];
  return state === "closed" ? undefined : circuit["why"];
}

/** `at<b>` is the second whose calls `ok<b>` and `no<b>` count. */
function callsIn(circuit: Hash, second: number): { readonly calls: number; readonly failures: number } {
  let [calls, failures] = [0, 0];
  for (const [name, at] of Object.entries(circuit)) {
    const bucket = /^at(\d+)$/.exec(name)?.[1];
    if (bucket === undefined || Number(at) <= second - windowSeconds) continue;
    const failed = Number(circuit[`no${bucket}`] ?? 0);
    calls += failed + Number(circuit[`ok${bucket}`] ?? 0);
    failures += failed;
  }
  return { calls, failures };
}
