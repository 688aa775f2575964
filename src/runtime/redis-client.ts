/**
 * The one opener of connections to Redis, whatever REDIS_URL names: a server, the master that sentinels know, a cluster.
 * Every key of a script or transaction shares a hash tag (docs/adr/0005), so nothing else needs to ask which it is.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { SettingsError } from "../config/settings-error.ts";
import { readPem } from "./pem-file.ts";
import { type RedisAddress, readRedisAddress, type TlsFiles } from "./redis-address.ts";
import { redisPatience } from "./redis-patience.ts";

export type RedisClient = Redis | Cluster;

/** What a user of Redis may wish for; `retryStrategy` is about connecting. */
export type ClientOptions = Pick<
  RedisOptions,
  | "connectionName"
  | "commandTimeout"
  | "connectTimeout"
  | "enableAutoPipelining"
  | "lazyConnect"
  | "maxRetriesPerRequest"
  | "retryStrategy"
>;

/** Connects at once unless `lazyConnect`. Throws SettingsError for a URL or a certificate file that cannot be used. */
export function openRedis(url: string, options: ClientOptions): RedisClient {
  const read = readRedisAddress(url);
  if (!read.ok) throw new SettingsError(`REDIS_URL ${read.problem}.`);
  const { address } = read;
  return address.kind === "cluster" ? openCluster(address, options) : new Redis(optionsOf(address, options));
}

/** Tries once, and waits three seconds for each answer; to be connected by who asks, and given up afterwards. */
export const openRedisProbe = (url: string): RedisClient =>
  openRedis(url, {
    lazyConnect: true,
    connectTimeout: 3_000,
    commandTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectionName: "millrace:probe",
  });

function optionsOf(address: RedisAddress, options: ClientOptions): Omit<RedisOptions, "replyMapping"> {
  const tls = address.tls && tlsOptions(address.tls);
  const login = { ...redisPatience, ...options, ...loginOf(address), db: address.db, reconnectOnError: isReplica };
  if (address.kind !== "sentinel") return { ...login, ...address.hosts[0], ...(tls && { tls }) };
  return {
    ...login,
    sentinels: [...address.hosts],
    name: address.master,
    ...(typeof options.retryStrategy === "function" ? { sentinelRetryStrategy: options.retryStrategy } : {}),
    ...(address.sentinelUsername === undefined ? {} : { sentinelUsername: address.sentinelUsername }),
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}

function openCluster(address: RedisAddress, { lazyConnect = false, ...options }: ClientOptions): Cluster {
  const { retryStrategy, enableAutoPipelining = false, ...redisOptions } = { ...redisPatience, ...options };
  const tls = address.tls && tlsOptions(address.tls);
  return new Cluster([...address.hosts], {
    lazyConnect,
    enableAutoPipelining,
    // With TLS the certificate is for a name, and a node announces its address: what it announces is taken as it is.
    ...(tls && { dnsLookup: (host, callback) => callback(null, host) }),
    ...(typeof retryStrategy === "function" ? { clusterRetryStrategy: retryStrategy } : {}),
    redisOptions: { ...redisOptions, ...loginOf(address), ...(tls && { tls }) },
  });
}

const loginOf = ({ username, password }: RedisAddress) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
});

/** The server at the other end became a replica: the master is looked for anew. The command itself is the caller's to repeat. */
const isReplica = (error: Error): boolean => error.message.startsWith("READONLY");

function tlsOptions({ caFile, certFile, keyFile, servername }: TlsFiles) {
  return {
    ...(caFile === undefined ? {} : { ca: readPem("REDIS_URL", caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem("REDIS_URL", certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem("REDIS_URL", keyFile) }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** The servers that clients are connected to: on a cluster all of them. */
export const everyNode = (client: RedisClient): readonly Redis[] =>
  client instanceof Cluster ? client.nodes("all") : [client];

/** Names of keys by a pattern, in no order; on a cluster from every master. */
export async function* scanKeys(client: RedisClient, match: string): AsyncGenerator<string> {
  for (const node of client instanceof Cluster ? client.nodes("master") : [client]) {
    for await (const names of node.scanStream({ match, count: 1_000 })) yield* names as string[];
  }
}

/** INFO of the server that holds `key`. */
export async function infoOf(client: RedisClient, key: string): Promise<string> {
  // A pipeline goes to one node, and INFO alone would go to any.
  const [, [error, info] = []] = (await client.pipeline().exists(key).info("server").exec()) ?? [];
  if (typeof info !== "string") throw error ?? new Error("Redis gave no INFO");
  return info;
}
