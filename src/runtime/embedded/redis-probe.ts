/** One question to a Redis: does it know our password, and whose data does it serve? */
import { Redis } from "ioredis";
import { type LiveProcess, liveProcess } from "./live-process.ts";

export type RedisAnswer =
  | { state: "silent" }
  | { state: "loading" }
  | { state: "answers"; directory: string; process: LiveProcess | undefined };

/** Asks once and goes; a refusal, a wrong password or another protocol is silence. */
export const askRedis = async (url: string): Promise<RedisAnswer> => {
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    disableClientInfo: true,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const info = await client.info("server");
    const directory = await client.config("GET", "dir");
    const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
    return { state: "answers", directory: String(directory[1] ?? ""), process: liveProcess(pid) };
  } catch (error) {
    return String(error).includes("LOADING") ? { state: "loading" } : { state: "silent" };
  } finally {
    client.disconnect();
  }
};
