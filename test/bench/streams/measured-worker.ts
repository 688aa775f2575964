/** A provider worker in a process of its own, that tells how much memory it has and how many calls it has open. */
import type { ChildProcess } from "node:child_process";
import { z } from "zod";
import { endChild, nextMessage, startBeside } from "../simulated.ts";

const memory = z.object({
  /** Resident, in bytes. */
  rss: z.number(),
  /** In use right after a collection, in bytes: what streams hold, without what waits to be collected. */
  held: z.number(),
  /** Calls under way. */
  open: z.number(),
  /** Bytes of what they sent and of the text that has come so far. */
  payload: z.number(),
});
export type WorkerMemory = z.infer<typeof memory>;

export interface MeasuredWorker {
  memory(): Promise<WorkerMemory>;
  end(): Promise<void>;
}

/** `environment` names the services, the settings file, the provider's key and its address. */
export async function startMeasuredWorker(
  provider: string,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredWorker> {
  const { PATH = "" } = process.env;
  const child = startBeside("test/bench/streams/worker-process.js", [provider], {
    env: { PATH, ...environment },
    execArgv: ["--expose-gc"],
  });
  await nextMessage(child); // it works
  return { memory: () => look(child), end: () => endChild(child) };
}

async function look(child: ChildProcess): Promise<WorkerMemory> {
  const answer = nextMessage(child);
  child.send("memory");
  return memory.parse(await answer);
}
