/** A provider worker in a process of its own, that tells how much memory it has and how many calls it has open. */
import type { ChildProcess } from "node:child_process";
import { z } from "zod";
import { endChild, nextMessage, startBeside } from "../simulated.ts";

const memory = z.object({
  /** Resident, in bytes. */
  rss: z.number(),
  /** In use, in bytes; right after a collection, where one was wished for: what streams hold and nothing that waits to be collected. */
  held: z.number(),
  /** Calls under way. */
  open: z.number(),
  /** Bytes of what they sent and of the text that has come so far. */
  payload: z.number(),
});
export type WorkerMemory = z.infer<typeof memory>;

export interface MeasuredWorker {
  /** `collected`: everything that nobody holds is collected before `held` is read. */
  memory(wish: "collected" | "as it is"): Promise<WorkerMemory>;
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
  return { memory: (wish) => look(child, wish), end: () => endChild(child) };
}

async function look(child: ChildProcess, wish: "collected" | "as it is"): Promise<WorkerMemory> {
  const answer = nextMessage(child);
  child.send(wish);
  return memory.parse(await answer);
}
