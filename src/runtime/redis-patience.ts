/**
 * What Redis answers when it is away, and how long to wait for it. Away is also who answers and refuses: full, loading, a
 * replica, cut off from its primary. None of it is a mistake of the one who asked; waiting is the answer (invariant 7).
 */

/** For every connection to Redis: work goes on within seconds of its return, however long it was away. */
export const redisPatience = {
  retryStrategy: (times: number): number => Math.min(1_000, 50 * 2 ** Math.min(times - 1, 10)) + Math.random() * 100,
  maxLoadingRetryTime: 1_000,
  /** Without an answer for this long the connection is taken for dead. Longer than any command blocks. */
  socketTimeout: 15_000,
} as const;

/** The sentence for people, with what to do; undefined: the error says something else. */
export function redisTrouble(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === awayName || silent.test(`${error.name} ${error.message}`)) return "Redis does not answer";
  const [, word = ""] = refused.exec(error.message) ?? [];
  return refusals[word];
}

/** Errors of a connection do not say whose they are. */
export const redisSilence = (cause: Error): Error =>
  Object.assign(new Error(`Redis does not answer: ${cause.message}`, { cause }), { name: awayName });

export const isConnectionError = (error: Error): boolean => "syscall" in error || /^Socket timeout/.test(error.message);

const awayName = "RedisSilent";
const silent =
  /MaxRetriesPerRequest|Connection is closed|Stream isn't writeable|Command timed out|Socket timeout|due to connection close/;

/** Codes begin an answer; from within a script some versions put them behind words of their own. */
const refused = /(?:^|\s-)(OOM|READONLY|LOADING|MASTERDOWN|MISCONF|CLUSTERDOWN|NOREPLICAS|BUSY|UNBLOCKED)\b/;
const replica = "Redis is a read-only replica: let the failover finish, or name the primary in REDIS_URL";
const refusals: Readonly<Record<string, string>> = {
  OOM: "Redis is full: raise its maxmemory, or give the fleet a Redis of its own",
  READONLY: replica,
  UNBLOCKED: replica,
  LOADING: "Redis is loading its data",
  MASTERDOWN: "Redis is a replica that has lost its primary: mend the replication, or name the primary in REDIS_URL",
  MISCONF: "Redis cannot write to its disk: free some space there, or mend what its own log names",
  CLUSTERDOWN: "Redis Cluster is down: some of its slots have no primary",
  NOREPLICAS: "Redis misses the replicas it was told to have: see its min-replicas-to-write",
  BUSY: "Redis is busy with somebody's script",
};

/** Id of the server process in an answer to INFO; it changes with a restart. Empty: not told. */
export const runIdOf = (info: string): string => /^run_id:(\w+)/m.exec(info)?.[1] ?? "";

/** This user may not ask for INFO, for ever: to be told from a Redis that does not answer now. */
export const isInfoRefused = (error: unknown): boolean =>
  error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message);
