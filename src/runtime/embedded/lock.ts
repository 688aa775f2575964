/**
 * A lock between processes that a kill -9 cannot leave shut, and that breaking cannot leave held by two.
 *
 * The folder holds one symbolic link per generation, `<n>` → `<pid>@<start>` or → `free`; making a symbolic link is
 * atomic, exclusive and carries the owner. Only the highest generation counts. It is taken by making the next one, once
 * the highest is free or its owner is gone, and given back by making the next one as `free`. Nobody ever removes the
 * highest link, so a contender that acted on an old listing finds a higher one after its own and steps back.
 */
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, type LiveProcess, liveProcess } from "./live-process.ts";

const free = "free";
/** Links kept below the highest, so that a listing that races with removals still sees one of the newer ones. */
const kept = 8;
const patienceMs = 3_000;

/**
 * Runs `act` while no other process (and no other call in this one) runs inside the same folder's lock.
 * @param folder created when missing, used for nothing else
 * @param onWait told once who holds the lock when it is not free within three seconds
 */
export const withLock = async <T>(
  folder: string,
  onWait: (holderPid: number) => void,
  act: () => Promise<T>,
): Promise<T> => {
  mkdirSync(folder, { recursive: true });
  const generation = await take(folder, onWait);
  try {
    return await act();
  } finally {
    symlinkSync(free, join(folder, String(generation + 1)));
    removeBelow(folder, generation - kept);
  }
};

const take = async (folder: string, onWait: (holderPid: number) => void): Promise<number> => {
  const me = liveProcess(process.pid);
  const owner = `${process.pid}@${me?.started ?? ""}`;
  const begun = Date.now();
  let told = false;
  for (;;) {
    const highest = highestGeneration(folder);
    const holder = holderOf(folder, highest);
    if (holder === undefined || !isRunning(holder)) {
      if (makeLink(owner, join(folder, String(highest + 1)))) {
        if (highestGeneration(folder) === highest + 1) return highest + 1;
        rmSync(join(folder, String(highest + 1)), { force: true });
      }
      continue;
    }
    if (!told && Date.now() - begun > patienceMs) {
      onWait(holder.pid);
      told = true;
    }
    await sleep(20 + Math.random() * 30);
  }
};

const highestGeneration = (folder: string): number =>
  readdirSync(folder).reduce((highest, name) => Math.max(highest, Number(name)), 0);

const holderOf = (folder: string, generation: number): LiveProcess | undefined => {
  try {
    const target = readlinkSync(join(folder, String(generation)));
    const at = target.indexOf("@");
    return at < 0 ? undefined : { pid: Number(target.slice(0, at)), started: target.slice(at + 1) };
  } catch {
    return undefined;
  }
};

const makeLink = (target: string, path: string): boolean => {
  try {
    symlinkSync(target, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
};

const removeBelow = (folder: string, generation: number): void => {
  for (const name of readdirSync(folder)) {
    if (Number(name) < generation) rmSync(join(folder, name), { force: true });
  }
};
