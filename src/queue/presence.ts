/**
 * Which worker processes are there, and which lanes they serve: the name of a connection that each of them keeps says it,
 * so that who dies is gone at once.
 */
import { everyNode, type RedisClient } from "../runtime/redis-client.ts";

const prefix = "millrace:serves";

/** The name of a worker's connection. */
export const servesName = (worker: string, lanes: readonly string[]): string =>
  `${prefix}:${worker}:${lanes.map(encodeURIComponent).join(",")}`;

/** Processes by lane; a lane that nobody serves is not among them. Rejects when Redis does not answer, or does not say. */
export async function workersByLane(redis: RedisClient): Promise<ReadonlyMap<string, number>> {
  const lists = await Promise.all(everyNode(redis).map((node) => node.client("LIST")));
  const served = new Map<string, string>();
  for (const list of lists) {
    for (const [, worker = "", lanes = ""] of String(list).matchAll(named)) served.set(worker, lanes);
  }
  const counts = new Map<string, number>();
  for (const lanes of served.values()) {
    for (const lane of lanes.split(",").filter(Boolean).map(decodeURIComponent)) {
      counts.set(lane, (counts.get(lane) ?? 0) + 1);
    }
  }
  return counts;
}

/** On a cluster the client puts a word of its own before it, and one process may have several connections. */
const named = new RegExp(` name=\\S*${prefix}:([^:\\s]+):(\\S*)`, "g");
